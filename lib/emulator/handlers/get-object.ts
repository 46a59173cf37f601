/** GET and HEAD Object. */
import * as E from 'fp-ts/lib/Either.js'
import { authorizeRead, hideExistence } from '../http/authorization.js'
import { type EmulatorResponse, empty } from '../http/response.js'
import { checkCustomerKey } from './shared/attributes.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { checkConditions, type Range, readRange } from './shared/conditions.js'
import { bucketOf, checkReadable, objectHeaders, objectOf } from './shared/objects.js'
import { limitRate, trafficLimit } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import { slice, type StoredObject } from '../store/model.js'

const overridable = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding'
]

const overrides = ({ query }: RoutedRequest): Readonly<Record<string, string>> =>
  Object.fromEntries(
    overridable.flatMap((name) => {
      const value = query[`response-${name}`]
      return value === undefined ? [] : [[name, value]]
    })
  )

const bodyOf = (
  { store }: EmulatorContext,
  { content }: StoredObject,
  range: Range,
  rate: number | undefined
): EmulatorResponse['body'] => {
  const segments = slice(content.segments, range.first, range.size)
  // Held from now on: the object may be deleted before its first byte is out.
  store.blobs.hold(segments)
  return {
    _tag: 'Stream',
    size: range.size,
    open: () => limitRate(rate, store.blobs.read(segments)),
    close: () => store.blobs.release(segments)
  }
}

const found = (
  house: EmulatorContext,
  call: RoutedRequest
): E.Either<
  ServiceError,
  { readonly object: StoredObject; readonly headers: Readonly<Record<string, string>> }
> => {
  const bucket = bucketOf(house, call)
  if (E.isLeft(bucket)) return bucket
  const object = hideExistence(call, bucket.right)(objectOf(bucket.right, call.key, call.query['versionId']))
  if (E.isLeft(object)) return object
  const admitted = authorizeRead(call, bucket.right, object.right)
  if (E.isLeft(admitted)) return admitted
  const keyed = checkCustomerKey(call.headers, object.right.attributes.encryption)
  if (E.isLeft(keyed)) return keyed
  return E.right({ object: object.right, headers: objectHeaders(bucket.right, object.right, call.now) })
}

export const getObject: Handler = (house, call) => async () => {
  const rate = trafficLimit(call)
  if (E.isLeft(rate)) return rate
  const overriding = overrides(call)
  if (call.anonymous && Object.keys(overriding).length > 0)
    return fail('InvalidRequest', 'response-* parameters are for signed requests only.')
  const here = found(house, call)
  if (E.isLeft(here)) return here
  const { object, headers } = here.right

  const verdict = checkConditions(call.headers, '', { etag: object.content.etag, modified: object.modified })
  if (verdict === 'Failed') return fail('PreconditionFailed')
  if (verdict === 'NotModified') return E.right(empty(304, headers))
  // HEAD answers for an archived object as for any other.
  const readable = call.method === 'HEAD' ? E.right(true) : checkReadable(object, call.now)
  if (E.isLeft(readable)) return readable

  const { size } = object.content
  const range = readRange(call.method === 'HEAD' ? undefined : call.headers['range'], size)
  if (E.isLeft(range)) return range
  const { first, size: length } = range.right ?? { first: 0, size }
  const partial = { 'content-range': `bytes ${String(first)}-${String(first + length - 1)}/${String(size)}` }
  return E.right({
    status: range.right === undefined ? 200 : 206,
    code: '',
    headers: { ...headers, ...overriding, ...(range.right === undefined ? {} : partial) },
    body: bodyOf(house, object, { first, size: length }, rate.right)
  })
}
