// Every suite, in the order of the matrix' rows.
import './engine.ts'
import './x509.ts'
import './connections.ts'
import './growth.ts'
import './node-client.ts'
import './node-server.ts'
import './node-https.ts'
import './shared.ts'
