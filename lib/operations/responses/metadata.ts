/** Metadata of every response, and codecs for headers that may be missing. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import type { CosError } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import * as W from '../../core/wire.js'

export interface ResponseMetadata {
  /** COS's request id; include it in support requests. Empty if the response came from a proxy. */
  readonly requestId: string
  /** All headers of the response, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export const requestIdOf = (headers: Response['headers']): string => headers['x-cos-request-id'] ?? ''

export const responseMetadata = ({ headers }: Pick<Response, 'headers'>): ResponseMetadata => ({
  requestId: requestIdOf(headers),
  headers
})

/** A codec for text that is only decoded. */
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

/** A field of a `t.type` that may be missing. Missing or empty: none. */
export const optional = <A>(
  codec: t.Type<A, string, unknown>
): t.Type<O.Option<A>, string | undefined, unknown> =>
  new t.Type(
    codec.name,
    (u): u is O.Option<A> => typeof u === 'object' && u !== null && '_tag' in u,
    (u, context) =>
      u === undefined || u === '' ? t.success(O.none) : pipe(codec.validate(u, context), E.map(O.some)),
    (value) => pipe(value, O.map(codec.encode), O.toUndefined)
  )

/** Like `optional`, but an unreadable value is none instead of a failure; `headers` has its text. */
export const lenient = <A>(
  codec: t.Type<A, string, unknown>
): t.Type<O.Option<A>, string | undefined, unknown> =>
  new t.Type(
    codec.name,
    optional(codec).is,
    (u) => t.success(O.fromEither(codec.decode(u))),
    optional(codec).encode
  )

/** Decodes the headers of a response, and leaves its body unread. */
export const readHeaders =
  <A>(codec: t.Decoder<unknown, A>) =>
  (response: Response): E.Either<CosError, A> =>
    pipe(
      W.decodeWith(codec)(response.headers),
      E.mapLeft((problems) => D.decodeError(response, problems))
    )

// -- server-side encryption --
export type EncryptionInfo =
  | { readonly type: 'COS' }
  | { readonly type: 'KMS'; readonly keyId: O.Option<string> }
  /** `keyMd5`: base64 of the MD5 of the customer key. */
  | { readonly type: 'C'; readonly keyMd5: O.Option<string> }
  /** An algorithm unknown to this library. */
  | { readonly type: 'Other'; readonly algorithm: string }

/** None: the object is not encrypted by COS. */
export const encryptionInfo = (headers: Readonly<Record<string, string>>): O.Option<EncryptionInfo> => {
  if (headers['x-cos-server-side-encryption-customer-algorithm'] !== undefined) {
    const keyMd5 = headers['x-cos-server-side-encryption-customer-key-md5']
    return O.some({ type: 'C', keyMd5: O.fromNullable(keyMd5) })
  }
  const algorithm = headers['x-cos-server-side-encryption']
  if (algorithm === undefined) return O.none
  if (algorithm === 'AES256') return O.some({ type: 'COS' })
  return algorithm === 'cos/kms'
    ? O.some({ type: 'KMS', keyId: O.fromNullable(headers['x-cos-server-side-encryption-cos-kms-key-id']) })
    : O.some({ type: 'Other', algorithm })
}
