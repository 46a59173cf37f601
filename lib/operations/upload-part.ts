/** Upload Part: uploads one part of a multipart upload. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import { notHtml, withStatus } from './responses/status.js'
import { writeResult, type WriteResult } from './responses/write-result.js'
import { encryptionHeaders, withCustomerKey, type WithCustomerKey } from './parameters/encryption.js'
import { sizedBody, uploadBody, withUploadBody, type UploadBody } from './parameters/upload-body.js'
import { trafficLimit, trafficLimitHeaders, type TrafficLimit } from './parameters/storage.js'
import { partRef, type PartRef } from './parameters/versions.js'

// -- input --
/** `sse` is required, with the same key, if the upload was created with a customer key. */
export interface UploadPartInput extends R.ObjectRef, PartRef, UploadBody, WithCustomerKey, TrafficLimit {}

const Input = sizedBody(
  In.struct<UploadPartInput>('UploadPartInput', {
    ...R.objectRef,
    ...partRef,
    ...uploadBody,
    ...withCustomerKey,
    ...trafficLimit
  })
)

// -- request --
const request = (input: UploadPartInput): R.Request =>
  pipe(
    R.put(input),
    R.withQuery({ partNumber: input.partNumber, uploadId: input.uploadId }),
    R.withHeaders({ ...encryptionHeaders(input), ...trafficLimitHeaders(input) }),
    withUploadBody(input)
  )

// -- output --
/** `etag` and `crc64` are those of the part; `completeMultipartUpload` takes the ETag. */
export interface UploadPartResult extends WriteResult {
  readonly partNumber: number
}

const decode = ({ partNumber }: UploadPartInput): Op.Decoder<UploadPartResult> =>
  pipe(
    (response: Response) =>
      pipe(
        D.drain(response),
        TE.chainEitherK(() => writeResult(O.some(partNumber))(response)),
        TE.map((part) => ({ ...part, partNumber }))
      ),
    notHtml,
    withStatus(200)
  )

// -- operation --
/**
 * Uploads a part; parts may be uploaded in any order and in parallel. The same number again replaces the part.
 *
 * @shape  `UploadPartInput -> Operation<UploadPartResult>`
 * @units  1 MiB to 5 GiB, the last part from 1 byte; COS checks the lower bound when the upload is completed
 * @errors `InvalidInput`, also for a stream without `contentLength`, as parts cannot be chunked; `ServiceError` 404
 *         `NoSuchUpload`, 400 `BadDigest` or `EntityTooLarge`; `SourceError` and `FileError` of the body;
 *         `IntegrityError` with the part's number; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const uploadPart: (input: UploadPartInput) => Op.Operation<UploadPartResult> = Op.operationWith(
  'UploadPart',
  Input,
  request,
  decode
)
