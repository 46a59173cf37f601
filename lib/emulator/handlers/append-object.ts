/** APPEND Object. The first request creates an appendable object; each other one adds bytes to its end. */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { combineCrc64 } from '../../core/crc64.js'
import { GiB } from '../../core/limits.js'
import { type ReceivedBody, readBody } from '../http/read-body.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { empty } from '../http/response.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Attributes, Content, StoredObject } from '../store/model.js'
import type { Bucket } from '../store/state.js'
import { isTiered, readAttributes } from './shared/attributes.js'
import { authorizeBucket, nextAppendPosition, writtenHeaders } from './shared/objects.js'

/** The largest appendable object. */
const maxSize = 5 * GiB

interface Place {
  readonly bucket: Bucket
  /** The object to append to; undefined if the request creates it. */
  readonly object: StoredObject | undefined
}

const readPosition = ({ query }: RoutedRequest): E.Either<ServiceError, number> =>
  /^\d{1,15}$/.test(query['position'] ?? '')
    ? E.right(Number(query['position']))
    : fail('InvalidArgument', 'position must be an integer.')

/** Checks that the request's position is the end of an appendable object, or 0 if there is no object. */
const findPlace = (context: EmulatorContext, request: RoutedRequest): E.Either<ServiceError, Place> =>
  pipe(
    E.Do,
    E.apS('position', readPosition(request)),
    E.apS('bucket', authorizeBucket(context, request)),
    E.chain(({ position, bucket }) => {
      const [latest] = bucket.objects.get(request.key) ?? []
      const object = latest?._tag === 'Object' ? latest : undefined
      if (object !== undefined && object.appendable !== true) return fail('ObjectNotAppendable')
      return position === (object?.content.size ?? 0)
        ? E.right({ bucket, object })
        : fail('AppendPositionErr', undefined, nextAppendPosition(object?.content.size ?? 0))
    })
  )

/** The first request decides the attributes. Appending ignores those of later requests. */
const checkAttributes = (request: RoutedRequest, bucket: Bucket): E.Either<ServiceError, Attributes> =>
  pipe(
    readAttributes(request, bucket),
    E.chain((attributes) => {
      if (isTiered(attributes.storageClass)) return fail('NotSupportedStorageClass')
      return attributes.encryption._tag === 'Customer'
        ? fail('NotImplemented', 'The emulator does not implement appending with a key of the customer.')
        : E.right(attributes)
    })
  )

/** The content after an append, with the new segments only. The ETag of an appendable object is opaque. */
const append = (object: StoredObject | undefined, { size, md5, crc64, segments }: ReceivedBody): Content => {
  const before = object?.content
  return {
    size: (before?.size ?? 0) + size,
    crc64: before === undefined ? crc64 : combineCrc64(before.crc64, crc64, size),
    etag:
      before === undefined
        ? `"${md5}"`
        : `"${createHash('md5').update(`${before.etag} ${md5}`).digest('hex')}"`,
    segments
  }
}

export const appendObject: Handler = (context, request) => async () => {
  const before = pipe(
    E.Do,
    E.apS('place', findPlace(context, request)),
    E.bind('attributes', ({ place }) => checkAttributes(request, place.bucket))
  )
  if (E.isLeft(before)) return before
  if ((before.right.place.object?.content.size ?? 0) + (request.body.declared ?? 0) > maxSize)
    return fail('EntityTooLarge')
  const received = await readBody(context, request, { chunked: true })()
  if (E.isLeft(received)) return received
  const { segments } = received.right
  try {
    // Checked again after the body: another request may have appended meanwhile.
    const place = findPlace(context, request)
    if (E.isLeft(place)) return place
    const { bucket, object } = place.right
    const at = { bucket: bucket.name, key: request.key }
    const modified = context.settings.now()
    const content = append(object, received.right)
    // Appendable objects have no versions.
    const created = { _tag: 'Object', id: 'null', modified, content, appendable: true } as const
    const version: StoredObject = object ?? { ...created, attributes: before.right.attributes }
    await context.store.commit(
      object === undefined
        ? { _tag: 'VersionPut', ...at, version }
        : { _tag: 'Appended', ...at, modified, content }
    )
    const { 'x-cos-version-id': _none, ...headers } = writtenHeaders(bucket, { ...version, content })
    // Named after SHA-1, but the MD5 of the appended bytes: the Go SDK compares it.
    const sum = { 'x-cos-content-sha1': received.right.md5 }
    return E.right(empty(200, { ...headers, ...sum, ...nextAppendPosition(content.size) }))
  } finally {
    context.store.blobs.release(segments)
  }
}
