/** PUT Object: an object in one request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import { MiB } from '../core/limits.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { maybe, readHeaders, Text } from './responses/metadata.js'
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
    R.withHeaders({
      ...entityHeaders(input),
      ...accessHeaders(input),
      ...encryptionHeaders(input),
      ...storageHeaders(input),
      ...trafficLimitHeaders(input),
      ...uploadCallbackHeaders(input)
    }),
    withUploadBody(input)
  )

// -- output --
export interface PutObjectResult extends WriteResult {
  /** None where versioning was never on, or is suspended. */
  readonly versionId: O.Option<string>
  /** What a callback's server answered, or the XML of what became of a picture; none of any other upload. */
  readonly answer: O.Option<string>
}

const Headers = t.type({ 'x-cos-version-id': maybe(Text) })

const answerLimit = MiB

const decode: Op.Decoder<PutObjectResult> = (response) =>
  pipe(
    D.readBytes(answerLimit)(response),
    TE.chainEitherK((body) =>
      pipe(
        E.Do,
        E.apS('put', writeResult(O.none)(response)),
        E.apS('headers', readHeaders(Headers)(response)),
        E.map(({ put, headers }) => ({
          ...put,
          versionId: headers['x-cos-version-id'],
          answer: body.length === 0 ? O.none : O.some(Buffer.from(body).toString('utf8'))
        }))
      )
    )
  )

// -- operation --
/**
 * Puts an object, in place of the one that had the key, its metadata and its ACL.
 *
 * The body's CRC64 is counted as it goes up, and compared with COS's. A key that ends in `/`, with an empty body, is
 * what COS's consoles show as a folder.
 *
 * @shape  `PutObjectInput -> Operation<PutObjectResult>`
 * @units  a body of at most 5 GiB; `contentLength` in bytes; `trafficLimit` in bit/s; `crc64` unsigned
 * @errors `InvalidInput`; `ServiceError` 400 `BadDigest`, `EntityTooLarge`, 403, 409 `PathConflict`, `ObjectLocked` or
 *         `FileAlreadyExists`; `SourceError` and `FileError` of the body; `IntegrityError` where COS stored other bytes
 *         than were sent; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7749
 * @example putObject({ bucket, key: 'a.txt', body: 'hello', contentType: 'text/plain' })
 */
export const putObject: (input: PutObjectInput) => Op.Operation<PutObjectResult> = Op.operation(
  'PutObject',
  Input,
  request,
  decode
)
