// The package's entry `membio/x509`: certificates and keys, without a connection.
export { createCertificate, createKey, type CertificateOptions, type KeyType } from './create.ts'
export { parseCertificate, splitCertificates, type Certificate } from './parse.ts'
