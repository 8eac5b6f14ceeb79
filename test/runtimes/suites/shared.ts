// Test files that need nothing but the engine run in every runtime as they are. bundle.ts puts the package into the place of src/, and
// shared-suite.ts into that of test/support/suite.ts.
import '../../engine/agreed.test.ts'
import '../../engine/close.test.ts'
import '../../engine/failure.test.ts'
import '../../engine/handshake.test.ts'
import '../../engine/live.test.ts'
import '../../engine/parking.test.ts'
import '../../engine/psk.test.ts'
import '../../engine/renegotiation-park.test.ts'
import '../../engine/resumption.test.ts'
import '../../x509/issue-misuse.test.ts'
import '../../x509/verify-misuse.test.ts'
