/** The header of a sealed object: 1,024 bytes before its segments, and the same fields in its metadata. */
import { createHash } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { EncryptionProblem } from '../core/error.js'
import { withoutLeadingSlash } from '../core/key.js'
import type { ObjectRef } from '../core/request.js'
import { decodeBase64 } from './base64.js'
import { KeyId } from './master-key.js'
import { encryptionProblem } from './problem.js'

/** In the object, in bytes; the rest after the fields is zero. */
export const headerSize = 1024

/** How the data key is encrypted: RFC 3394, OAEP with SHA-256, or a key service. */
export type SealedWrap = 'aes' | 'rsa' | 'kms'

export interface SealedHeader {
  readonly wrap: SealedWrap
  /** 32 random bytes. */
  readonly salt: Uint8Array
  readonly keyId: string
  /** SHA-256 of the object's name; none if the object is not bound to a name. */
  readonly name: O.Option<Uint8Array>
  /** 1 to 512 bytes. */
  readonly wrappedKey: Uint8Array
  /** 32 bytes that depend on the data key and on `boundBytes`. */
  readonly commitment: Uint8Array
}

const magic = Buffer.from('cospsl1\0', 'latin1')
const suite = 1
const segmentBits = 16
const bindsName = 1
const wrapCodes: Readonly<Record<SealedWrap, number>> = { aes: 1, rsa: 2, kms: 3 }
const wraps: ReadonlyArray<SealedWrap> = ['aes', 'rsa', 'kms']
/** In bytes. */
export const longestWrappedKey = 512

/** SHA-256 of bucket, slash and key. */
export const nameHash = ({ bucket, key }: Pick<ObjectRef, 'bucket' | 'key'>): Uint8Array =>
  createHash('sha256')
    .update(`${bucket}/${withoutLeadingSlash(key)}`)
    .digest()

const nameOf = ({ name }: Pick<SealedHeader, 'name'>): Uint8Array =>
  O.isSome(name) ? name.value : new Uint8Array()
const flagsOf = ({ name }: Pick<SealedHeader, 'name'>): number => (O.isSome(name) ? bindsName : 0)

/**
 * The part of the header that every key of the object depends on. The key id, the wrap and the wrapped key are not in it:
 * another master key can wrap the data key later without a change of the segments.
 */
export const boundBytes = (header: Pick<SealedHeader, 'salt' | 'name'>): Buffer =>
  Buffer.concat([magic, Buffer.of(suite, segmentBits, flagsOf(header)), header.salt, nameOf(header)])

/** The fields, without padding. */
export const encodeHeader = (header: SealedHeader): Buffer => {
  const keyId = Buffer.from(header.keyId, 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(header.wrappedKey.length)
  return Buffer.concat([
    magic,
    Buffer.of(suite, wrapCodes[header.wrap], segmentBits, flagsOf(header)),
    header.salt,
    Buffer.of(keyId.length),
    keyId,
    nameOf(header),
    length,
    header.wrappedKey,
    header.commitment
  ])
}

/** The header at the start of an object. */
export const padHeader = (fields: Uint8Array): Buffer =>
  Buffer.concat([fields, Buffer.alloc(headerSize - fields.length)])

// -- reading --
const bad = (problem: string): E.Either<EncryptionProblem, never> =>
  E.left(encryptionProblem('BadEnvelope', `the sealed header ${problem}`))
const unsupported = (problem: string): E.Either<EncryptionProblem, never> =>
  E.left(encryptionProblem('Unsupported', `the sealed header has ${problem}`))

/** Whether bytes begin like a sealed object. */
export const isSealed = (bytes: Uint8Array): boolean =>
  bytes.length >= magic.length && magic.equals(bytes.subarray(0, magic.length))

interface ReadHeader {
  readonly header: SealedHeader
  /** After the commitment. */
  readonly rest: Uint8Array
}

const readFields = (bytes: Uint8Array): E.Either<EncryptionProblem, ReadHeader> => {
  let at = 0
  const take = (length: number): Uint8Array => bytes.subarray(at, (at += length))
  if (!isSealed(bytes)) return bad('does not begin with its magic bytes')
  take(magic.length)
  const [suiteCode, wrapCode, bits, flags] = take(4)
  if (flags === undefined) return bad('is cut short')
  if (suiteCode !== suite) return unsupported(`suite ${String(suiteCode)}`)
  const wrap = wraps.find((each) => wrapCodes[each] === wrapCode)
  if (wrap === undefined) return unsupported(`the unknown key wrap ${String(wrapCode)}`)
  if (bits !== segmentBits) return unsupported(`segments of 2^${String(bits)} bytes`)
  if (flags > bindsName) return unsupported(`flags ${String(flags)}`)
  const salt = take(32)
  const [idLength = 0] = take(1)
  const keyId = Buffer.from(take(idLength)).toString('latin1')
  if (!KeyId.is(keyId) || keyId.length !== idLength) return bad('has an invalid key id')
  const name = flags === bindsName ? O.some(take(32)) : O.none
  const [high = 0, low = 0] = take(2)
  const length = high * 256 + low
  if (length === 0 || length > longestWrappedKey) return bad('has an invalid length of the wrapped key')
  const wrappedKey = take(length)
  const commitment = take(32)
  if (commitment.length < 32) return bad('is cut short')
  return E.right({ header: { wrap, salt, keyId, name, wrappedKey, commitment }, rest: bytes.subarray(at) })
}

/** Reads the header of the metadata: base64 of the fields. */
export const readMetadataHeader = (text: string): E.Either<EncryptionProblem, SealedHeader> =>
  pipe(
    decodeBase64(text),
    E.fromOption(() => encryptionProblem('BadEnvelope', 'cospipe-sealed is not base64')),
    E.chain(readFields),
    E.chain(({ header, rest }) => (rest.length === 0 ? E.right(header) : bad('has bytes after its end')))
  )

/** Reads the header of an object, whose padding must be zero. */
export const readObjectHeader = (bytes: Uint8Array): E.Either<EncryptionProblem, SealedHeader> =>
  bytes.length < headerSize
    ? E.left(encryptionProblem('Truncated', 'the object is shorter than its sealed header'))
    : pipe(
        readFields(bytes.subarray(0, headerSize)),
        E.chain(({ header, rest }) =>
          rest.every((byte) => byte === 0) ? E.right(header) : bad('has padding that is not zero')
        )
      )

/** Whether two headers are those of one object. Its wrapping may have been changed in one of them. */
export const isSameObject = (a: SealedHeader, b: SealedHeader): boolean =>
  boundBytes(a).equals(boundBytes(b)) && Buffer.from(a.commitment).equals(b.commitment)
