/** GET Object: an object's bytes, or a range of them, verified as they stream. */
import type { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import type { Context, CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { unverifiable, type Integrity } from '../core/integrity.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import { checkLength } from '../stages/check-length.js'
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
  /** One version instead of the latest. */
  readonly versionId?: string
  /** One range; bytes count from 0, and `last` is one of them. The whole object where left out. */
  readonly range?: Range
  /** `identity` where left out. Any other may change the bytes on the way, and they will not verify. */
  readonly acceptEncoding?: string
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
  acceptEncoding: In.optional(In.headerValue)
})

// -- request --
const request = (input: GetObjectInput): R.Request =>
  pipe(
    R.get(input),
    R.withQuery({ versionId: input.versionId, ...overridesQuery(input) }),
    R.withHeaders({
      'accept-encoding': input.acceptEncoding ?? 'identity',
      range: input.range && rangeText(input.range),
      ...conditionHeaders(input),
      ...encryptionHeaders(input),
      ...trafficLimitHeaders(input),
      ...refererHeaders(input)
    })
  )

// -- output --
export interface GetObjectResult extends ObjectAttributes, ContentExtent {
  /**
   * The bytes as they are stored. It ends only after they were verified, and fails with a `CosException` otherwise: of
   * an `IntegrityError`, or of a `TransportError` where bytes are missing. Read it or destroy it: until then it keeps
   * its connection.
   */
  readonly body: Readable
  /**
   * How the bytes compared, once `body` has ended, failed or been left. A whole object is `Verified` where COS has its
   * checksum; a range is `Unverifiable`, and `crc64` is there to be combined with that of its neighbours.
   */
  readonly verified: TE.TaskEither<CosError, Integrity>
  /** Whose bytes they are, for the errors of whoever writes them down. */
  readonly context: Context
}

/** What is read of a stretch of an object, by who has its head already. */
export interface GetRangeResult extends ObjectAttributes {
  /** As many bytes as were announced, or a `CosException` of a `TransportError`; not hashed. */
  readonly body: Readable
}

/** A range that came by way of the input's own headers is the caller's to judge. */
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

/** The head of an answer is read before a byte of its body is. */
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
          // Bytes that are not what was asked for are not worth reading to their end.
          response.body.destroy()
          return TE.left(error)
        },
        ({ attributes, extent }) => TE.right(open(response, { ...attributes, ...extent }))
      )
    )

const decode = (input: GetObjectInput): D.Decoder<GetObjectResult> =>
  openBody(input, (response, head) => {
    const whole = O.isNone(head.contentRange) || coversAll(head.contentRange.value)
    // What compresses on the way sends other bytes than those that COS summed.
    const asStored = (input.acceptEncoding ?? 'identity') === 'identity'
    const { bytes, outcome } = trackBody(
      response,
      () => unverifiable('Unread'),
      verifyBytes({
        size: head.contentLength,
        crc64: whole && asStored ? head.crc64 : O.none,
        unless: whole ? 'NoChecksum' : 'Range',
        context: response.context,
        host: response.host
      })(response.body)
    )
    return { ...head, body: bytes, verified: outcome, context: response.context }
  })

const decodeUnhashed = (input: GetObjectInput): D.Decoder<GetRangeResult> =>
  openBody(input, (response, { size, contentLength, contentRange, ...head }) => ({
    ...head,
    body: trackBody(
      response,
      () => undefined,
      checkLength({ size: contentLength, context: response.context, host: response.host })(response.body)
    ).bytes
  }))

// -- operations --
/**
 * Asks for an object's bytes.
 *
 * They come as they are stored: what has a `Content-Encoding` is not decompressed. They are counted and hashed while
 * they stream.
 *
 * @shape  `GetObjectInput -> Operation<GetObjectResult>`; the head has come, the body is on its way
 * @units  `size`, `contentLength`, `range` in bytes; `trafficLimit` in bit/s; `crc64` unsigned
 * @errors `InvalidInput`; `ServiceError` 404 no such object or version, 403 no right, or `InvalidObjectState` of an
 *         archived object, 304 and 412 by the conditions, 416 a range that lies beyond the object; `DecodeError`, also
 *         where another range came than was asked for; what befalls the body comes out of the body
 * @source https://cloud.tencent.com/document/product/436/7753
 * @example getObject({ bucket, key, range: { first: 0, last: 99 } }) // the first hundred bytes
 */
export const getObject: (input: GetObjectInput) => Op.Operation<GetObjectResult> = Op.operationWith(
  'GetObject',
  Input,
  request,
  decode
)

/**
 * `getObject`, for who hashes the bytes himself: of a range COS has no checksum to compare with, and to hash all of an
 * object twice took a quarter of a download's processor time (4.2 ms a MiB, of which a CRC64 is 1).
 */
export const getObjectUnhashed: (input: GetObjectInput) => Op.Operation<GetRangeResult> = Op.operationWith(
  'GetObject',
  Input,
  request,
  decodeUnhashed
)
