// Node. Measured by bench/acceleration.ts on Node 20, 22, 24 and 26: docs/acceleration.md has the figures.
import { nodeCrypto } from './node-crypto.ts'

export default nodeCrypto({ aesGcmFrom: 3072, rsaIsFaster: true, aesBeatsChaCha: false })
