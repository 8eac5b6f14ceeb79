// For browsers: the page's text tells what came of it.
import { hello } from './handshake.ts'

hello().then(
  (text) => (document.body.textContent = text),
  (error: unknown) => (document.body.textContent = `failed: ${String(error)}`),
)
