// Bun. Measured by bench/acceleration.ts on Bun 1.4: docs/acceleration.md has the figures.
import { nodeCrypto } from './node-crypto.ts'

export default nodeCrypto({ aesGcmFrom: 512, rsaIsFaster: true, aesBeatsChaCha: true })
