/** The body of an upload, its length and its MD5. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import type { InputProblem } from '../../core/error.js'
import * as In from '../../core/input.js'
import { conflict, missing } from '../../core/problem.js'
import * as B from '../../core/body.js'
import * as R from '../../core/request.js'
import { crossChecked } from './validation.js'
import type * as t from 'io-ts'

export interface UploadBody {
  /**
   * Text, bytes, `{ file: path }`, `{ open: () => stream, size }`, or a stream. A stream is sent once; all others can be
   * sent again after a failure.
   */
  readonly body: B.BodyInput
  /** Length of a stream in bytes, if known; other bodies have a length. */
  readonly contentLength?: number
  /** Base64 of the body's MD5, 24 characters; COS stores the body only if it matches. */
  readonly contentMd5?: string
  /** Computes the MD5 and sends it: the body is read twice. Not supported for streams, which can be read only once. */
  readonly enableMd5?: boolean
  /** Sends the body after `100 Continue`: a refusal then costs no upload of up to 5 GiB. It takes one more round trip. */
  readonly expectContinue?: boolean
}

const Md5 = In.guarded(
  'base64 of the 16 bytes of an MD5 (24 characters)',
  (u): u is string => typeof u === 'string' && /^[A-Za-z0-9+/]{22}==$/.test(u)
)

/** Fields for an input's codec. */
export const uploadBody: In.FieldsOf<UploadBody> = {
  body: B.BodyInput,
  contentLength: In.optional(In.bytes(0)),
  contentMd5: In.optional(Md5),
  enableMd5: In.optional(In.boolean),
  expectContinue: In.optional(In.boolean)
}

const bodyConflict = (input: UploadBody, needsLength: boolean): O.Option<InputProblem> => {
  const body = B.toBody(input.body, input.contentLength)
  const size = B.sizeOf(body)
  if (input.contentLength !== undefined && body._tag !== 'Once') {
    // COS silently drops bytes beyond the announced length.
    if (O.isNone(size))
      return O.some(
        conflict('contentLength', 'not supported for a file body (the file is measured when it is sent)')
      )
    if (size.value !== input.contentLength)
      return O.some(conflict('contentLength', `must be ${String(size.value)}, the size of the body in bytes`))
  }
  if (needsLength && body._tag === 'Once' && O.isNone(size))
    return O.some(missing('contentLength', 'is required for a stream body, in bytes'))
  if (input.enableMd5 === true && input.contentMd5 === undefined && !B.isReplayableBody(body))
    return O.some(
      conflict(
        'enableMd5',
        'not supported for a stream body (it can be read only once); pass contentMd5 or a replayable body'
      )
    )
  return O.none
}

/** Checks that `contentLength` and `enableMd5` fit the body. */
export const consistentBody = <A extends UploadBody>(codec: t.Type<A, A, unknown>): t.Type<A, A, unknown> =>
  crossChecked(codec, (input) => bodyConflict(input, false))

/** Like `consistentBody`, for requests that need the length: parts cannot be chunked. */
export const sizedBody = <A extends UploadBody>(codec: t.Type<A, A, unknown>): t.Type<A, A, unknown> =>
  crossChecked(codec, (input) => bodyConflict(input, true))

export const withUploadBody =
  (input: UploadBody) =>
  (request: R.Request): R.Request =>
    pipe(
      request,
      R.withHeaders({ 'content-md5': input.contentMd5 }),
      R.withBody(B.toBody(input.body, input.contentLength)),
      R.withComputedMd5(input.enableMd5),
      R.withExpectContinue(input.expectContinue)
    )
