/** The encryption metadata of the Python, Go and Java SDKs: how a data key is wrapped, and how the bytes are encrypted. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import type { EncryptionProblem } from '../core/error.js'
import { decodeMetadata } from '../core/metadata-text.js'
import { decodeBase64 } from './base64.js'
import { prefix } from './metadata-names.js'
import { encryptionProblem } from './problem.js'

/** A format of another SDK. */
export type ForeignFormat = 'python' | 'go' | 'java-gcm' | 'java-ctr' | 'java-cbc'

/** How the bytes of an object are encrypted. */
export type DataCipher = 'ctr' | 'gcm' | 'cbc'

/** How the data key is encrypted: `python` with padding by the kind of master key, or by the name in the metadata. */
export type WrapAlgorithm =
  'python' | 'AESWrap' | 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding' | 'KMS/TencentCloud'

/** The metadata of an object of another SDK. */
export interface ForeignEnvelope {
  /** More than one if the metadata do not tell which SDK wrote them: Go and Java share CTR with KMS. */
  readonly formats: ReadonlyArray<ForeignFormat>
  readonly cipher: DataCipher
  readonly wrap: WrapAlgorithm
  readonly wrappedKey: Uint8Array
  readonly iv: { readonly wrapped: Uint8Array } | { readonly clear: Uint8Array }
  /** Describes the master key. A key service binds the data key to it. */
  readonly description: Readonly<Record<string, string>>
  /** Of the master key, if the object names it as this library does. */
  readonly keyId: O.Option<string>
  /** In bytes, as the metadata say. Anyone who can write to the bucket can change it. */
  readonly plainSize: O.Option<number>
}

/** Returns the metadata of a name without `x-cos-meta-`; undefined: the object does not have it. */
export type MetadataValue = (name: string) => string | undefined

/** Of the key id in the description; Python ignores the description. */
const keyIdField = 'keyId'

// -- reading --
const bad = (problem: string): EncryptionProblem => encryptionProblem('BadEnvelope', problem)
const unsupported = (problem: string): EncryptionProblem => encryptionProblem('Unsupported', problem)

const bytesIn = (name: string, text: string): E.Either<EncryptionProblem, Uint8Array> =>
  pipe(
    decodeBase64(text),
    O.filter((bytes) => bytes.length > 0),
    E.fromOption(() => bad(`${name} is not base64`))
  )

const Description = t.record(t.string, t.string)

const descriptionIn = (
  name: string,
  text: string | undefined
): E.Either<EncryptionProblem, ForeignEnvelope['description']> =>
  text === undefined || text === ''
    ? E.right({})
    : pipe(
        E.tryCatch((): unknown => JSON.parse(text), E.toError),
        E.chainW((json) => Description.decode(json)),
        E.mapLeft(() => bad(`${name} is not a JSON object of strings`))
      )

const ciphers: Readonly<Record<string, DataCipher>> = {
  'AES/CTR/NoPadding': 'ctr',
  'AES/GCM/NoPadding': 'gcm',
  'AES/CBC/PKCS5Padding': 'cbc'
}

const wraps = new Set<string>(['AESWrap', 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding', 'KMS/TencentCloud'])
const isWrap = (name: string): name is WrapAlgorithm => wraps.has(name)

/** Values of the metadata by the last part of their names, and the full names for messages. */
interface Fields {
  readonly key: string | undefined
  readonly cekAlg: string | undefined
  readonly wrapAlg: string | undefined
  readonly tagLen: string | undefined
  readonly matdesc: string | undefined
  readonly length: string | undefined
  readonly names: { readonly key: string; readonly iv: string; readonly matdesc: string }
}

/** An algorithm's name in a message: others write it, so it is shortened and quoted. */
const quote = (name: string): string => JSON.stringify(name.slice(0, 60))

const algorithmsOf = ({
  cekAlg,
  wrapAlg,
  tagLen
}: Fields): E.Either<EncryptionProblem, Pick<ForeignEnvelope, 'cipher' | 'wrap' | 'formats'>> => {
  if (!cekAlg) return E.left(bad('the name of the data cipher (cek-alg) is missing'))
  if (!wrapAlg) return E.left(bad('the name of the key wrap (wrap-alg) is missing'))
  const cipher = Object.hasOwn(ciphers, cekAlg) ? ciphers[cekAlg] : undefined
  if (cipher === undefined) return E.left(unsupported(`unknown data cipher ${quote(cekAlg)}`))
  if (!isWrap(wrapAlg)) return E.left(unsupported(`unknown key wrap ${quote(wrapAlg)}`))
  if (cipher === 'gcm' && tagLen !== '128')
    return E.left(
      tagLen === undefined
        ? bad('the length of the GCM tag (x-cos-tag-len) is missing')
        : unsupported(`a GCM tag of ${quote(tagLen)} bits; it must have 128`)
    )
  const isGo = cipher === 'ctr' && wrapAlg === 'KMS/TencentCloud' && tagLen === undefined
  return E.right({ cipher, wrap: wrapAlg, formats: isGo ? ['go', 'java-ctr'] : [`java-${cipher}`] })
}

const sizeIn = (text: string | undefined): O.Option<number> =>
  text !== undefined && /^\d{1,15}$/.test(text) ? O.some(Number(text)) : O.none

const namedEnvelope = (
  fields: Fields,
  iv: string,
  isClear: boolean
): E.Either<EncryptionProblem, ForeignEnvelope> =>
  pipe(
    algorithmsOf(fields),
    E.bindTo('algorithms'),
    E.bind('wrappedKey', () => bytesIn(fields.names.key, fields.key ?? '')),
    E.bind('ivBytes', () => bytesIn(fields.names.iv, iv)),
    E.bind('description', () => descriptionIn(fields.names.matdesc, fields.matdesc)),
    E.map(({ algorithms, wrappedKey, ivBytes, description }) => ({
      ...algorithms,
      wrappedKey,
      iv: isClear ? { clear: ivBytes } : { wrapped: ivBytes },
      description,
      keyId: O.none,
      plainSize: sizeIn(fields.length)
    }))
  )

const pythonEnvelope = (fields: Fields, iv: string): E.Either<EncryptionProblem, ForeignEnvelope> =>
  pipe(
    bytesIn(fields.names.key, fields.key ?? ''),
    E.bindTo('wrappedKey'),
    E.bind('wrappedIv', () => bytesIn(fields.names.iv, iv)),
    E.bind('description', () =>
      descriptionIn(fields.names.matdesc, fields.matdesc && decodeMetadata(fields.matdesc))
    ),
    E.map(({ wrappedKey, wrappedIv, description }) => ({
      formats: ['python'],
      cipher: 'ctr',
      wrap: 'python',
      wrappedKey,
      iv: { wrapped: wrappedIv },
      description,
      keyId: O.fromNullable(description[keyIdField]),
      plainSize: sizeIn(fields.length)
    }))
  )

/** Metadata of Python, Go and Java: a key and either `-iv` or `-start`. */
const fromHeaders = (value: MetadataValue): O.Option<E.Either<EncryptionProblem, ForeignEnvelope>> => {
  const [key, iv, start] = [value(`${prefix}key`), value(`${prefix}iv`), value(`${prefix}start`)]
  if (key === undefined && iv === undefined && start === undefined) return O.none
  const fields: Fields = {
    key,
    cekAlg: value(`${prefix}cek-alg`),
    wrapAlg: value(`${prefix}wrap-alg`),
    tagLen: value('x-cos-tag-len'),
    matdesc: value(`${prefix}matdesc`),
    length: value(`${prefix}unencrypted-content-length`),
    names: {
      key: `${prefix}key`,
      iv: `${prefix}${iv === undefined ? 'start' : 'iv'}`,
      matdesc: `${prefix}matdesc`
    }
  }
  if (key === undefined) return O.some(E.left(bad(`${prefix}key is missing`)))
  if (iv !== undefined && start !== undefined)
    return O.some(E.left(bad(`both ${prefix}iv and ${prefix}start are present`)))
  if (value(`${prefix}master-iv`) !== undefined)
    return O.some(
      E.left(unsupported(`a wrap with ${prefix}master-iv, of a later Python SDK than this library knows`))
    )
  // Python writes neither: bytes of another cipher would become garbage.
  if (iv !== undefined && (fields.cekAlg ?? fields.wrapAlg) !== undefined)
    return O.some(E.left(bad(`${prefix}iv is present with the name of an algorithm`)))
  if (iv !== undefined) return O.some(pythonEnvelope(fields, iv))
  if (start !== undefined) return O.some(namedEnvelope(fields, start, false))
  return O.some(E.left(bad(`${prefix}iv (or -start) is missing`)))
}

/** The names of an instruction file, which old versions of the Java SDK used for metadata too. The IV is not wrapped. */
const fromOldNames = (value: MetadataValue): O.Option<E.Either<EncryptionProblem, ForeignEnvelope>> => {
  const key = value('x-cos-key-v2') ?? value('x-cos-key')
  const iv = value('x-cos-iv')
  if (key === undefined && iv === undefined) return O.none
  if (key === undefined || iv === undefined)
    return O.some(E.left(bad(`${key === undefined ? 'x-cos-key-v2' : 'x-cos-iv'} is missing`)))
  const fields: Fields = {
    key,
    cekAlg: value('x-cos-cek-alg'),
    wrapAlg: value('x-cos-wrap-alg'),
    tagLen: value('x-cos-tag-len'),
    matdesc: value('x-cos-matdesc'),
    length: value(`${prefix}unencrypted-content-length`),
    names: { key: 'x-cos-key-v2', iv: 'x-cos-iv', matdesc: 'x-cos-matdesc' }
  }
  return O.some(namedEnvelope(fields, iv, true))
}

/** Reads the metadata of another SDK; none if there are none. */
export const readForeign = (value: MetadataValue): O.Option<E.Either<EncryptionProblem, ForeignEnvelope>> =>
  pipe(
    fromHeaders(value),
    O.alt(() => fromOldNames(value))
  )

/**
 * Reads the body of an instruction file: the JSON object that Java's SDK stores as `KEY.instruction`.
 *
 * @errors those of `readEnvelope`; `BadEnvelope` if the file is not JSON, or has no encryption metadata
 */
export const readInstructionFile = (text: string): E.Either<EncryptionProblem, ForeignEnvelope> =>
  pipe(
    E.tryCatch((): unknown => JSON.parse(text), E.toError),
    E.chainW((json) => Description.decode(json)),
    E.mapLeft(() => bad('the instruction file is not a JSON object of strings')),
    E.chain((fields) =>
      pipe(
        fromOldNames((name) => (Object.hasOwn(fields, name) ? fields[name] : undefined)),
        O.getOrElse(() => E.left(bad('the instruction file has no encryption metadata')))
      )
    )
  )

// -- writing --
/** The metadata that Python's SDK writes, and a description with the key id if there is one. Names without a prefix. */
export const pythonMetadata = (
  wrappedKey: Uint8Array,
  wrappedIv: Uint8Array,
  keyId: O.Option<string>
): Readonly<Record<string, string>> => ({
  [`${prefix}key`]: Buffer.from(wrappedKey).toString('base64'),
  [`${prefix}iv`]: Buffer.from(wrappedIv).toString('base64'),
  ...(O.isSome(keyId) ? { [`${prefix}matdesc`]: JSON.stringify({ [keyIdField]: keyId.value }) } : {})
})
