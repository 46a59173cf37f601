/** PUT Object: uploads an object in one request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as D from '../core/decoder.js'
import type { CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { MiB } from '../core/limits.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import { headIfSame } from './head-if-same.js'
import { notHtml, withStatus } from './responses/status.js'
import { writeResult, type WriteResult } from './responses/write-result.js'
import { accessControl, accessHeaders, type AccessControl } from './parameters/access.js'
import { uploadCallback, uploadCallbackHeaders, type UploadCallback } from './parameters/callback.js'
import { encryptionHeaders, withEncryption, type WithEncryption } from './parameters/encryption.js'
import { entityHeaders, entityMetadata, type EntityMetadata } from './parameters/metadata.js'
import { consistentBody, uploadBody, withUploadBody, type UploadBody } from './parameters/upload-body.js'
import {
  trafficLimit,
  trafficLimitHeaders,
  storageOptions,
  storageHeaders,
  type TrafficLimit,
  type StorageOptions
} from './parameters/storage.js'

// -- input --
export interface PutObjectInput
  extends
    R.ObjectRef,
    UploadBody,
    EntityMetadata,
    AccessControl,
    WithEncryption,
    StorageOptions,
    TrafficLimit,
    UploadCallback {}

const Input = consistentBody(
  In.struct<PutObjectInput>('PutObjectInput', {
    ...R.objectRef,
    ...uploadBody,
    ...entityMetadata,
    ...accessControl,
    ...withEncryption,
    ...storageOptions,
    ...trafficLimit,
    ...uploadCallback
  })
)

// -- request --
const request = (input: PutObjectInput): R.Request =>
  pipe(
    R.put(input),
    R.withHeaders(
      entityHeaders(input),
      accessHeaders(input),
      encryptionHeaders(input),
      storageHeaders(input),
      trafficLimitHeaders(input),
      uploadCallbackHeaders(input)
    ),
    withUploadBody(input)
  )

// -- output --
export interface PutObjectResult extends WriteResult {
  /** None if versioning was never enabled, or is suspended. */
  readonly versionId: O.Option<string>
  /** Body of the response if a callback or picture processing was requested, as text; otherwise none. */
  readonly response: O.Option<string>
}

const responseLimit = MiB

const withBodyText = (response: Response, body: Uint8Array): E.Either<CosError, PutObjectResult> => {
  const written = writeResult(O.none)(response)
  if (E.isLeft(written)) return written
  const { requestId, headers, etag, crc64, sentCrc64, integrity, sse } = written.right
  return E.right({
    requestId,
    headers,
    etag,
    crc64,
    sentCrc64,
    integrity,
    sse,
    versionId: O.fromNullable(headers['x-cos-version-id'] || undefined),
    response: body.length === 0 ? O.none : O.some(Buffer.from(body).toString('utf8'))
  })
}

const fromHeaders: Op.Decoder<PutObjectResult> = (response) => async () => {
  const body = await D.readBytes(responseLimit)(response)()
  return E.isLeft(body) ? body : withBodyText(response, body.right)
}

/** The body of a response to a callback is that of the caller's server, of any type. */
const decode = ({ callback }: PutObjectInput): Op.Decoder<PutObjectResult> =>
  withStatus(200)(callback === undefined ? notHtml(fromHeaders) : fromHeaders)

const put = Op.operationWith('PutObject', Input, request, decode)

/**
 * With `forbidOverwrite`, the object that refuses a retry may be the one that an earlier attempt wrote: it has the size and
 * the CRC64 of the body. COS's exact code is not documented; its status is 409. Not after a callback: its response is lost.
 */
const confirm =
  (input: PutObjectInput): Op.Confirm<PutObjectResult> =>
  ({ status }) =>
    status === 409 && input.forbidOverwrite === true && input.callback === undefined
      ? O.some((body) =>
          pipe(
            headIfSame({ ...R.refOf(input), ...(input.sse?.type === 'C' ? { sse: input.sse } : {}) }, body),
            Op.map((found) =>
              pipe(
                O.Do,
                O.bind('head', () => found),
                O.bind('sum', () => body.crc64),
                O.map(({ head: { etag, versionId, sse, requestId, headers, crc64 }, sum }) => ({
                  requestId,
                  headers,
                  etag,
                  crc64,
                  sentCrc64: sum,
                  integrity: { _tag: 'Verified', crc64: sum },
                  sse,
                  versionId,
                  response: O.none
                }))
              )
            )
          )
        )
      : O.none

// -- operation --
/**
 * Uploads an object. It replaces an object of the same key, including its metadata and its ACL.
 *
 * The CRC64 of the body is computed while it is sent, and compared with COS's. COS's consoles show an empty object whose
 * key ends in `/` as a folder. If the response to a put with `forbidOverwrite` is lost and the retry is refused because the
 * object exists, a HEAD compares size and CRC64: if the object is ours, the put succeeds.
 *
 * @shape  `PutObjectInput -> Operation<PutObjectResult>`
 * @units  a body of at most 5 GiB; `contentLength` in bytes; `trafficLimit` in bit/s; `crc64` unsigned
 * @errors `InvalidInput`; `ServiceError` 400 `BadDigest`, `EntityTooLarge`, 403, 409 `PathConflict`, `ObjectLocked` or
 *         `FileAlreadyExists`; `SourceError` and `FileError` of the body; `IntegrityError` if COS stored other bytes than
 *         were sent; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7749
 * @example putObject({ bucket, key: 'a.txt', body: 'hello', contentType: 'text/plain' })
 */
export const putObject = (input: PutObjectInput): Op.Operation<PutObjectResult> =>
  pipe(put(input), Op.withConfirm(confirm(input)))
