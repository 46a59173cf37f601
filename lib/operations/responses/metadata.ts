/** What every answer brings, and how headers that may be missing are read. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import type { CosError } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import * as W from '../../core/wire.js'

export interface ResponseMetadata {
  /** What support asks for; empty where the answer did not come from COS itself. */
  readonly requestId: string
  /** All headers of the answer, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export const responseMetadata = ({ headers }: Pick<Response, 'headers'>): ResponseMetadata => ({
  requestId: headers['x-cos-request-id'] ?? '',
  headers
})

/** A codec of text that is only ever read. */
export const readOnly = <A>(
  expected: string,
  read: (text: string) => A | undefined
): t.Type<A, string, unknown> =>
  new t.Type<A, string, unknown>(
    expected,
    (u): u is A => u !== undefined,
    (u, context) => {
      const value = typeof u === 'string' ? read(u) : undefined
      return value === undefined ? t.failure(u, context, expected) : t.success(value)
    },
    String
  )

export const Text = readOnly('text, not empty', (text) => (text === '' ? undefined : text))

export const TextOrEmpty = readOnly('text', (text) => text)

/** A field of a `t.type` that may be missing: a missing or empty one is none. */
export const maybe = <A>(
  codec: t.Type<A, string, unknown>
): t.Type<O.Option<A>, string | undefined, unknown> =>
  new t.Type(
    codec.name,
    (u): u is O.Option<A> => typeof u === 'object' && u !== null && '_tag' in u,
    (u, context) =>
      u === undefined || u === '' ? t.success(O.none) : pipe(codec.validate(u, context), E.map(O.some)),
    (value) => pipe(value, O.map(codec.encode), O.toUndefined)
  )

/** As `maybe`, for what is not worth failing over: what cannot be read is none, and its text is in `raw`. */
export const perhaps = <A>(
  codec: t.Type<A, string, unknown>
): t.Type<O.Option<A>, string | undefined, unknown> =>
  new t.Type(
    codec.name,
    maybe(codec).is,
    (u) => t.success(O.fromEither(codec.decode(u))),
    maybe(codec).encode
  )

/** Reads headers of an answer whose body is someone else's to read. */
export const readHeaders =
  <A>(codec: t.Decoder<unknown, A>) =>
  (response: Response): E.Either<CosError, A> =>
    pipe(
      W.decodeWith(codec)(response.headers),
      E.mapLeft((problems) => D.decodeError(response, problems))
    )

// -- server-side encryption, as COS echoes it --
export type EncryptionInfo =
  | { readonly type: 'COS' }
  | { readonly type: 'KMS'; readonly keyId: O.Option<string> }
  /** `keyMd5`: base64 of the MD5 of the caller's key. */
  | { readonly type: 'C'; readonly keyMd5: O.Option<string> }
  /** One that this library has no name for. */
  | { readonly type: 'Other'; readonly algorithm: string }

const prefix = 'x-cos-server-side-encryption'

/** None: not encrypted by COS. */
export const encryptionInfo = (headers: Readonly<Record<string, string>>): O.Option<EncryptionInfo> => {
  if (headers[`${prefix}-customer-algorithm`] !== undefined) {
    return O.some({ type: 'C', keyMd5: O.fromNullable(headers[`${prefix}-customer-key-md5`]) })
  }
  const algorithm = headers[prefix]
  if (algorithm === undefined) return O.none
  if (algorithm === 'AES256') return O.some({ type: 'COS' })
  return algorithm === 'cos/kms'
    ? O.some({ type: 'KMS', keyId: O.fromNullable(headers[`${prefix}-cos-kms-key-id`]) })
    : O.some({ type: 'Other', algorithm })
}
