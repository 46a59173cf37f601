/** Upload Part - Copy: makes a part of another object or of a range of it, within COS. */
import { pipe } from 'fp-ts/lib/function.js'
import * as In from '../core/input.js'
import * as D from '../core/decoder.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { copyObjectResponse, type CopyObjectResponse } from './responses/copied.js'
import { withCopySource, copySourceHeaders, type WithCopySource } from './parameters/copy-source.js'
import { encryptionHeaders, withCustomerKey, type WithCustomerKey } from './parameters/encryption.js'
import { ClosedRange, rangeText } from './parameters/range.js'
import { partRef, type PartRef } from './parameters/versions.js'

// -- input --
/** `sse` is required, with the same key, if the upload was created with a customer key. */
export interface UploadPartCopyInput extends R.ObjectRef, PartRef, WithCopySource, WithCustomerKey {
  /** Bytes count from 0, and `last` is inclusive. Default: the whole source. */
  readonly copySourceRange?: ClosedRange
}

const Input = In.struct<UploadPartCopyInput>('UploadPartCopyInput', {
  ...R.objectRef,
  ...partRef,
  ...withCopySource,
  ...withCustomerKey,
  copySourceRange: In.optional(ClosedRange)
})

// -- request --
const request = (input: UploadPartCopyInput): R.Request =>
  pipe(
    R.put(input),
    R.withQuery({ partNumber: input.partNumber, uploadId: input.uploadId }),
    R.withHeaders({
      ...copySourceHeaders(input),
      'x-cos-copy-source-range': input.copySourceRange && rangeText(input.copySourceRange),
      ...encryptionHeaders(input)
    }),
    R.withSlowHeaders
  )

// -- output --
/** Of the part; `completeMultipartUpload` takes its ETag. */
export interface UploadPartCopyResult extends Omit<CopyObjectResponse, 'versionId'> {
  readonly partNumber: number
}

const decode = ({ partNumber }: UploadPartCopyInput): Op.Decoder<UploadPartCopyResult> =>
  pipe(
    copyObjectResponse('CopyPartResult'),
    D.map(({ versionId: _, ...part }) => ({ ...part, partNumber }))
  )

// -- operation --
/**
 * Copies an object, or a range of it, into a part.
 *
 * @shape  `UploadPartCopyInput -> Operation<UploadPartCopyResult>`
 * @units  1 MiB to 5 GiB, the last part from 1 byte; COS checks the lower bound when the upload is completed
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchUpload` or no such source, 412 by the conditions, 416 a range beyond
 *         the source, and with status 200 if COS failed half way; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/8287
 */
export const uploadPartCopy: (input: UploadPartCopyInput) => Op.Operation<UploadPartCopyResult> =
  Op.operationWith('UploadPartCopy', Input, request, decode)
