/** Bytes that go up with a request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
import * as R from '../../core/request.js'
import { crossChecked, type Disagreement } from './validation.js'
import type * as t from 'io-ts'

export interface UploadBody {
  /**
   * Text, bytes, `{ file: path }`, `{ open: () => stream, size }`, or a stream. All but the last can be sent again
   * after a failure; a stream is sent once.
   */
  readonly body: R.BodyInput
  /** In bytes, of a stream whose length is known; other bodies know their own. */
  readonly contentLength?: number
  /** Base64 of the body's MD5, 24 characters; COS compares it before it takes the body. */
  readonly contentMd5?: string
  /** Reads the body once beforehand and sends its MD5. Not of a stream, which can be read once only. */
  readonly enableMd5?: boolean
  /** Asks before the body is sent, which spares sending 5 GiB into a refusal; it costs a round trip. */
  readonly expectContinue?: boolean
}

const Md5 = In.guarded(
  'base64 of the 16 bytes of an MD5',
  (u): u is string => typeof u === 'string' && /^[A-Za-z0-9+/]{22}==$/.test(u)
)

/** Fields for an input's codec. */
export const uploadBody: In.FieldsOf<UploadBody> = {
  body: R.BodyInput,
  contentLength: In.optional(In.integer(0)),
  contentMd5: In.optional(Md5),
  enableMd5: In.optional(In.boolean),
  expectContinue: In.optional(In.boolean)
}

const disagreement = (input: UploadBody, measured: boolean): O.Option<Disagreement> => {
  const body = R.toBody(input.body, input.contentLength)
  const size = R.sizeOf(body)
  if (input.contentLength !== undefined && body._tag !== 'Once') {
    // COS drops what goes beyond the length it was told, without a word.
    if (O.isNone(size))
      return O.some({ field: 'contentLength', expected: 'left out: a file knows its own length' })
    if (size.value !== input.contentLength)
      return O.some({ field: 'contentLength', expected: `${String(size.value)}, the length of the body` })
  }
  if (measured && body._tag === 'Once' && O.isNone(size))
    return O.some({ field: 'contentLength', expected: 'the length of the stream in bytes' })
  if (input.enableMd5 === true && input.contentMd5 === undefined && !R.isReplayableBody(body))
    return O.some({ field: 'enableMd5', expected: 'false for a stream, which can not be read beforehand' })
  return O.none
}

/** Whether a body and what is said of it agree. */
export const consistentBody = <A extends UploadBody>(codec: t.Type<A, A, unknown>): t.Type<A, A, unknown> =>
  crossChecked(codec, (input) => disagreement(input, false))

/** As `agreeingBody`, for what COS takes of a known length only. */
export const sizedBody = <A extends UploadBody>(codec: t.Type<A, A, unknown>): t.Type<A, A, unknown> =>
  crossChecked(codec, (input) => disagreement(input, true))

export const withUploadBody =
  (input: UploadBody) =>
  (to: R.Request): R.Request =>
    pipe(
      to,
      R.withHeaders({ 'content-md5': input.contentMd5 }),
      R.withBody(R.toBody(input.body, input.contentLength)),
      R.withComputedMd5(input.enableMd5),
      R.withExpectContinue(input.expectContinue)
    )
