// The package's entry `membio/roots`: text only, and nothing else imports it, so that nobody pays for it unasked. Its JavaScript is made by
// openssl-build/roots.ts when the package is built.

/**
 * The certificate authorities that Mozilla trusts to vouch for TLS servers, as PEM text: `createContext({ ca: mozillaRoots })`. For hosts
 * that show no roots (browsers, workerd), and for programs that want to trust the same everywhere. Before each certificate stands its name.
 *
 * They are as old as this version of membio: the file's head tells which list it is, and an authority distrusted since is in it still.
 * Mozilla's finer rules do not fit into a list of roots and are not applied: authorities trusted only for what they issued before some
 * date, and Certificate Transparency. The certificates are under the MPL-2.0.
 */
export declare const mozillaRoots: string
