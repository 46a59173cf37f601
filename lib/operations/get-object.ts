/** GET Object: the bytes of an object or of a range, verified while they stream. */
import type { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import type { Context, CosError } from '../core/error.js'
import { isWeakEtag } from '../core/etag.js'
import * as In from '../core/input.js'
import { unverifiable, type Integrity } from '../core/integrity.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import { readChunks } from '../stages/read-chunks.js'
import { verifyBytes } from '../stages/verify-bytes.js'
import { readHeaders } from './responses/metadata.js'
import {
  coversAll,
  ContentExtentHeaders,
  contentExtentOf,
  type ContentExtent
} from './responses/content-extent.js'
import { objectAttributes, type ObjectAttributes } from './responses/object-headers.js'
import { trackBody } from './responses/tracked-body.js'
import { conditionHeaders, conditions, type Conditions } from './parameters/conditions.js'
import { encryptionHeaders, withCustomerKey, type WithCustomerKey } from './parameters/encryption.js'
import {
  overridesQuery,
  Range,
  rangeText,
  responseOverrides,
  type ResponseOverrides
} from './parameters/range.js'
import { withReferer, refererHeaders, type WithReferer } from './parameters/referer.js'
import { trafficLimit, trafficLimitHeaders, type TrafficLimit } from './parameters/storage.js'
import { VersionId } from './parameters/versions.js'

// -- input --
export interface GetObjectInput
  extends R.ObjectRef, Conditions, WithCustomerKey, ResponseOverrides, TrafficLimit, WithReferer {
  /** Default: the latest version. */
  readonly versionId?: string
  /** One range; bytes count from 0, and `last` is inclusive. Default: the whole object. */
  readonly range?: Range
  /** Default: `identity`. With another, a proxy may change the bytes, and they are not verified. */
  readonly acceptEncoding?: string
  /**
   * Whether a body that breaks off is requested again from its next byte, as long as the object has the same ETag. Not with
   * another `acceptEncoding`, or with a range in your own `headers`. Default: true.
   */
  readonly resume?: boolean
}

const Input = In.struct<GetObjectInput>('GetObjectInput', {
  ...R.objectRef,
  ...conditions,
  ...withCustomerKey,
  ...responseOverrides,
  ...trafficLimit,
  ...withReferer,
  versionId: In.optional(VersionId),
  range: In.optional(Range),
  acceptEncoding: In.optional(In.headerValue),
  resume: In.optional(In.boolean)
})

// -- request --
const request = (input: GetObjectInput): R.Request =>
  pipe(
    R.get(input),
    R.withQuery({ versionId: input.versionId, ...overridesQuery(input) }),
    R.withHeaders(
      {
        'accept-encoding': input.acceptEncoding ?? 'identity',
        range: input.range && rangeText(input.range)
      },
      conditionHeaders(input),
      encryptionHeaders(input),
      trafficLimitHeaders(input),
      refererHeaders(input)
    )
  )

// -- output --
export interface GetObjectResult extends ObjectAttributes, ContentExtent {
  /**
   * The bytes as stored. It ends after they were verified, or fails with a `CosException`: of an `IntegrityError`, or of
   * a `TransportError` if bytes are missing. Read or destroy it: until then it holds its connection.
   */
  readonly body: Readable
  /**
   * The result of the verification, after `body` has ended, failed or been destroyed. A whole object is `Verified` if
   * COS has its checksum. A range is `Unverifiable`; its `crc64` can be combined with those of its neighbours.
   */
  readonly verified: TE.TaskEither<CosError, Integrity>
  /** The call, for errors of the code that stores the bytes. */
  readonly context: Context
}

/** A range of an object whose attributes are already known. */
export interface GetRangeResult extends ObjectAttributes {
  /** The bytes as they arrive: not hashed, and not counted. Fails with a `CosException`. */
  readonly body: Readable
  /** The host that sends the bytes, for errors. */
  readonly host: string
}

/** A range in the caller's own `headers` is not compared with the response. */
const isOwnRange = (input: GetObjectInput): boolean =>
  Object.keys(input.headers ?? {}).some((name) => name.toLowerCase() === 'range')

const extent =
  (input: GetObjectInput) =>
  (response: Response): E.Either<CosError, ContentExtent> =>
    pipe(
      readHeaders(ContentExtentHeaders)(response),
      E.chain((headers) =>
        isOwnRange(input) && response.status === 206 && O.isSome(headers['content-range'])
          ? E.right({
              size: headers['content-range'].value.size,
              contentLength: headers['content-length'],
              contentRange: headers['content-range']
            })
          : pipe(
              contentExtentOf(response.status, headers, O.fromNullable(input.range)),
              E.mapLeft((problem) => D.decodeError(response, [problem]))
            )
      )
    )

/** Decodes the headers before the body is read. */
const openBody =
  <A>(
    input: GetObjectInput,
    open: (response: Response, head: ObjectAttributes & ContentExtent) => A
  ): D.Decoder<A> =>
  (response) =>
    pipe(
      E.Do,
      E.apS('attributes', objectAttributes(response)),
      E.apS('extent', extent(input)(response)),
      E.match(
        (error) => {
          // Not the requested bytes: closing the connection costs less than reading them.
          response.body.destroy()
          return TE.left(error)
        },
        ({ attributes, extent }) => TE.right(open(response, { ...attributes, ...extent }))
      )
    )

const decode = (input: GetObjectInput): D.Decoder<GetObjectResult> =>
  openBody(input, (response, head) => {
    const whole = O.isNone(head.contentRange) || coversAll(head.contentRange.value)
    // A proxy that compresses sends other bytes than those of COS's checksum.
    const asStored = (input.acceptEncoding ?? 'identity') === 'identity'
    const { bytes, outcome } = trackBody(
      response,
      () => unverifiable('Unread'),
      verifyBytes({
        size: head.contentLength,
        crc64: whole && asStored ? head.crc64 : O.none,
        reason: whole ? 'NoChecksum' : 'Range',
        context: response.context,
        host: response.host
      })(readChunks(response.body))
    )
    return { ...head, body: bytes, verified: outcome, context: response.context }
  })

const decodeUnhashed = (input: GetObjectInput): D.Decoder<GetRangeResult> =>
  openBody(input, (response, { size, contentLength, contentRange, ...head }) => ({
    ...head,
    body: response.body,
    host: response.host
  }))

// -- operations --
const getObjectOnce = Op.operationWith('GetObject', Input, request, decode)

/** Without the conditions of the first request: it met them. */
const readAgain =
  ({ ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ...object }: GetObjectInput) =>
  (etag: string, range: Op.ByteRange): Op.Operation<GetRangeResult> =>
    getObjectUnhashed({ ...object, ...(isWeakEtag(etag) ? {} : { ifMatch: etag }), range })

/**
 * Reads an object or a range of it.
 *
 * The bytes are as stored: a `Content-Encoding` is not decompressed. They are counted and hashed while they stream. A body
 * that breaks off is requested again from its next byte; see `resume`.
 *
 * @shape  `GetObjectInput -> Operation<GetObjectResult>`; it succeeds after the headers, and the body streams
 * @units  `size`, `contentLength`, `range` in bytes; `trafficLimit` in bit/s; `crc64` unsigned
 * @errors `InvalidInput`; `ServiceError` 404 no such object or version, 403 no permission, or `InvalidObjectState` of
 *         an archived object, 304 and 412 by the conditions, 416 a range beyond the object; `DecodeError`, also if the
 *         response has another range; errors of the body are thrown by the body, `ObjectChanged` among them
 * @source https://cloud.tencent.com/document/product/436/7753
 * @example getObject({ bucket, key, range: { first: 0, last: 99 } }) // the first hundred bytes
 */
export const getObject = (input: GetObjectInput): Op.Operation<GetObjectResult> => {
  const operation = getObjectOnce(input)
  if (E.isLeft(operation.request)) return operation
  const { acceptEncoding = 'identity', resume = true } = input
  if (!resume || acceptEncoding !== 'identity' || isOwnRange(input)) return operation
  return { ...operation, readAgain: readAgain(input) }
}

/**
 * Like `getObject`, without a check of the bytes: for callers that count and verify them themselves. COS has no checksum of a
 * range, and hashing each range again cost 25 % of a download's CPU time (1 of 4.2 ms per MiB).
 */
export const getObjectUnhashed: (input: GetObjectInput) => Op.Operation<GetRangeResult> = Op.operationWith(
  'GetObject',
  Input,
  request,
  decodeUnhashed
)
