/** Abort Multipart Upload: the upload and its parts are gone. */
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { responseMetadata, type ResponseMetadata } from './responses/metadata.js'
import { UploadId } from './parameters/versions.js'

// -- input --
export interface AbortMultipartUploadInput extends R.ObjectRef {
  /** Never empty: without it the request would delete the object. */
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

const decode: Op.Decoder<AbortMultipartUploadResult> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => responseMetadata(response))
  )

// -- operation --
/**
 * Ends an upload without an object, and deletes its parts.
 *
 * Parts on their way at that moment may slip in behind it and stay: let them settle first. Where the answer to a first
 * attempt was lost, a second that finds no upload is a success.
 *
 * @shape  `AbortMultipartUploadInput -> Operation<AbortMultipartUploadResult>`
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchUpload`: aborted or completed already
 * @source https://cloud.tencent.com/document/product/436/7740
 */
export const abortMultipartUpload: (
  input: AbortMultipartUploadInput
) => Op.Operation<AbortMultipartUploadResult> = flow(
  Op.operation('AbortMultipartUpload', Input, request, decode),
  Op.recoverLostAnswer(['NoSuchUpload'], responseMetadata)
)
