/** Abort Multipart Upload: deletes an incomplete upload and its parts. */
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { responseMetadata, type ResponseMetadata } from './responses/metadata.js'
import { fromCos, withStatus } from './responses/status.js'
import { UploadId } from './parameters/versions.js'

// -- input --
export interface AbortMultipartUploadInput extends R.ObjectRef {
  /** Not empty: without it the request would delete the object. */
  readonly uploadId: string
}

const Input = In.struct<AbortMultipartUploadInput>('AbortMultipartUploadInput', {
  ...R.objectRef,
  uploadId: UploadId
})

// -- request --
const request = (input: AbortMultipartUploadInput): R.Request =>
  pipe(R.del(input), R.withQuery({ uploadId: input.uploadId }))

// -- output --
export type AbortMultipartUploadResult = ResponseMetadata

const drainBody: Op.Decoder<AbortMultipartUploadResult> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => responseMetadata(response))
  )

const decode = pipe(drainBody, fromCos, withStatus(204))

// -- operation --
/**
 * Deletes an incomplete upload and its parts.
 *
 * A part that is being uploaded at that moment may be stored after it, and stay: wait for parts to settle first. If the
 * response to a first attempt was lost, a second attempt that finds no upload is a success.
 *
 * @shape  `AbortMultipartUploadInput -> Operation<AbortMultipartUploadResult>`
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchUpload`: already aborted or completed
 * @source https://cloud.tencent.com/document/product/436/7740
 */
export const abortMultipartUpload: (
  input: AbortMultipartUploadInput
) => Op.Operation<AbortMultipartUploadResult> = flow(
  Op.operation('AbortMultipartUpload', Input, request, decode),
  Op.recoverLostResponse(['NoSuchUpload'], responseMetadata)
)
