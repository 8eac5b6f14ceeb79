// Every suite, in the order of the matrix' rows.
import './engine.ts'
import './x509.ts'
import './shared.ts'
