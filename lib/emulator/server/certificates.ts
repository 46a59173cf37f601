/**
 * A certificate authority for one run of the emulator, and the certificates of its host names. `node:crypto` makes keys and
 * signatures but no certificates, and `openssl` may be absent: the certificates are written as DER (`der.ts`), so that
 * installations get no dependency for them.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import {
  bits,
  boolean,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  pem,
  sequence,
  set,
  text,
  time
} from './der.js'

const day = 24 * 60 * 60 * 1000
// Browsers and macOS refuse certificates of servers that are valid for longer.
const validDays = 397

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))

const named = (name: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), text(name))))

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))

interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const newKeys = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicDer = ({ publicKey }: KeyPair): Buffer => publicKey.export({ type: 'spki', format: 'der' })
const keyId = (keys: KeyPair): Buffer => createHash('sha1').update(publicDer(keys)).digest()

interface Parties {
  readonly subject: string
  readonly subjectKeys: KeyPair
  readonly issuer: string
  readonly issuerKeys: KeyPair
}

/** An X.509 certificate of version 3, in PEM. */
const certify = (parties: Parties, extensions: ReadonlyArray<Buffer>): string => {
  const { subject, subjectKeys, issuer, issuerKeys } = parties
  const now = Date.now()
  const validity = sequence(time(new Date(now - day)), time(new Date(now + validDays * day)))
  const ids = [
    extension('2.5.29.14', false, octets(keyId(subjectKeys))),
    extension('2.5.29.35', false, sequence(implicit(0, keyId(issuerKeys))))
  ]
  const unsigned = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    named(issuer),
    validity,
    named(subject),
    publicDer(subjectKeys),
    explicit(3, sequence(...extensions, ...ids))
  )
  const signature = sign('sha256', unsigned, { key: issuerKeys.privateKey, dsaEncoding: 'der' })
  return pem('CERTIFICATE', sequence(unsigned, ecdsaWithSha256, bits(signature)))
}

const ipBytes = (address: string): Buffer => {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const [head = '', tail] = address.split('::')
  const groups = (half: string): ReadonlyArray<string> => (half === '' ? [] : half.split(':'))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** A host name, perhaps with `*` as its first label, or an address. */
const subjectName = (name: string): Buffer =>
  isIP(name) === 0 ? implicit(2, Buffer.from(name)) : implicit(7, ipBytes(name))

const serverExtensions = (names: ReadonlyArray<string>): ReadonlyArray<Buffer> => [
  extension('2.5.29.19', true, sequence()),
  // digitalSignature
  extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)),
  // serverAuth
  extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
  extension('2.5.29.17', false, sequence(...names.map(subjectName)))
]

const authorityExtensions = [
  extension('2.5.29.19', true, sequence(boolean(true), integer(Buffer.from([0])))),
  // keyCertSign and cRLSign
  extension('2.5.29.15', true, bits(Buffer.from([0x06]), 1))
]

export interface Certificates {
  /** The certificate of the authority, in PEM: what clients must trust. Its key stays in memory. */
  readonly ca: string
  /** For clients that name no host, as those do that connect to an address. */
  readonly byDefault: { readonly cert: string; readonly key: string }
  /** The certificate of one host name, made when it is first used: a region or a custom domain may be any. */
  readonly contextFor: (host: string) => SecureContext
}

const maxContexts = 1000

/** Makes an authority and the certificate of `names`: host names and addresses. */
export const makeCertificates = (names: ReadonlyArray<string>): Certificates => {
  const [authority, server] = [newKeys(), newKeys()]
  const issuer = `cospipe emulator ${randomBytes(4).toString('hex')}`
  const parties = { issuer, issuerKeys: authority, subjectKeys: server }
  const ca = certify({ ...parties, subject: issuer, subjectKeys: authority }, authorityExtensions)
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const issue = (each: ReadonlyArray<string>): string =>
    certify({ ...parties, subject: 'cospipe emulator' }, serverExtensions(each))
  const contexts = new Map<string, SecureContext>()
  return {
    ca,
    byDefault: { cert: issue(names), key },
    contextFor: (host) => {
      const known = contexts.get(host)
      if (known !== undefined) return known
      if (contexts.size >= maxContexts) contexts.clear()
      const context = createSecureContext({ cert: issue([host]), key })
      contexts.set(host, context)
      return context
    }
  }
}
