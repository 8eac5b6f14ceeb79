// The package's entry `membio/x509`: certificates and keys, without a connection.
export type { Encoded } from './call.ts'
export { createPkcs12, parsePkcs12, parsePkcs7, type Pkcs12, type Pkcs12Options } from './containers.ts'
export {
  createCertificate,
  createCrl,
  createRequest,
  type CertificateOptions,
  type CrlOptions,
  type ExtensionOptions,
  type IssueOptions,
  type Issuer,
  type KeyUsage,
  type PublicKeyCertificateOptions,
  type RequestCertificateOptions,
  type RequestOptions,
  type Usage,
} from './create.ts'
export { createKey, exportKey, publicKey, type ExportKeyOptions, type KeyType, type PublicKeyOptions, type ReadKeyOptions } from './keys.ts'
export type { NameOptions, NameRange, Subject } from './names.ts'
export {
  parseCertificate,
  parseCertificates,
  parseCrl,
  parseOcspResponse,
  parseRequest,
  printCertificate,
  printCrl,
  printRequest,
  splitCertificates,
} from './parse.ts'
export type {
  Attribute,
  Certificate,
  CertificateRequest,
  Crl,
  Extension,
  ExtensionFacts,
  GeneralName,
  OcspResponse,
  PublicKey,
  RevocationReason,
  Sct,
} from './shapes.ts'
export { verifyCertificate, type Purpose, type VerifyFailure, type VerifyOptions, type VerifyResult } from './verify.ts'
