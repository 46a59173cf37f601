/** GET and HEAD Object. */
import * as E from 'fp-ts/lib/Either.js'
import { authorizeRead, hideExistence } from '../http/authorization.js'
import { type EmulatorResponse, empty } from '../http/response.js'
import { checkCustomerKey } from './shared/attributes.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { checkConditions, type Range, readRange } from './shared/conditions.js'
import { bucketOf, checkReadable, objectHeaders, objectOf } from './shared/objects.js'
import { followSymlink } from './shared/symlink.js'
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
].map((name) => [name, `response-${name}`] as const)

/** The headers of `response-*` parameters, one character for each byte of UTF-8, as Node sends header values. */
const overrides = ({ query }: RoutedRequest): E.Either<ServiceError, Readonly<Record<string, string>>> => {
  const headers: Record<string, string> = {}
  for (const [name, parameter] of overridable) {
    const value = query[parameter]
    if (value === undefined) continue
    // A line break would add headers of the sender's choice to the response.
    // eslint-disable-next-line no-control-regex
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
      return fail('InvalidArgument', `${parameter} must not contain control characters.`)
    headers[name] = Buffer.from(value).toString('latin1')
  }
  return E.right(headers)
}

const bodyOf = (
  { store }: EmulatorContext,
  { content }: StoredObject,
  range: Range,
  rate: number | undefined
): EmulatorResponse['body'] => {
  const segments = slice(content.segments, range.first, range.size)
  // Referenced from here on, because the object may be deleted before its first byte is sent.
  store.blobs.hold(segments)
  return {
    _tag: 'Stream',
    size: range.size,
    open: () => limitRate(rate, store.blobs.read(segments)),
    close: () => store.blobs.release(segments)
  }
}

const findReadable = (
  context: EmulatorContext,
  request: RoutedRequest
): E.Either<
  ServiceError,
  { readonly object: StoredObject; readonly headers: Readonly<Record<string, string>> }
> => {
  const bucket = bucketOf(context, request)
  if (E.isLeft(bucket)) return bucket
  const object = hideExistence(
    request,
    bucket.right
  )(objectOf(bucket.right, request.key, request.query['versionId']))
  if (E.isLeft(object)) return object
  const authorized = authorizeRead(request, bucket.right, object.right)
  if (E.isLeft(authorized)) return authorized
  const read = followSymlink(request, bucket.right, object.right)
  if (E.isLeft(read)) return read
  const keyChecked = checkCustomerKey(request.headers, read.right.attributes.encryption)
  if (E.isLeft(keyChecked)) return keyChecked
  const headers = objectHeaders(bucket.right, read.right, request.now)
  // The versions of a link are not those of its target: the id is of the requested key.
  const version = bucket.right.versioning === 'Off' ? {} : { 'x-cos-version-id': object.right.id }
  return E.right({ object: read.right, headers: { ...headers, ...version } })
}

export const getObject: Handler = (context, request) => async () => {
  const rate = trafficLimit(request)
  if (E.isLeft(rate)) return rate
  const overriding = overrides(request)
  if (E.isLeft(overriding)) return overriding
  const overridden = overriding.right
  if (request.anonymous && Object.keys(overridden).length > 0)
    return fail('InvalidRequest', 'response-* parameters are for signed requests only.')
  const found = findReadable(context, request)
  if (E.isLeft(found)) return found
  const { object, headers } = found.right

  const conditions = checkConditions(request.headers, '', {
    etag: object.content.etag,
    modified: object.modified
  })
  if (conditions === 'Failed') return fail('PreconditionFailed')
  if (conditions === 'NotModified') return E.right(empty(304, headers))
  // HEAD of an archived object succeeds without a restore.
  const readable = request.method === 'HEAD' ? E.right(true) : checkReadable(object, request.now)
  if (E.isLeft(readable)) return readable

  const { size } = object.content
  const range = readRange(request.method === 'HEAD' ? undefined : request.headers['range'], size)
  if (E.isLeft(range)) return range
  const { first, size: length } = range.right ?? { first: 0, size }
  const partial = { 'content-range': `bytes ${String(first)}-${String(first + length - 1)}/${String(size)}` }
  return E.right({
    status: range.right === undefined ? 200 : 206,
    code: '',
    headers: { ...headers, ...overridden, ...(range.right === undefined ? {} : partial) },
    body: bodyOf(context, object, { first, size: length }, rate.right)
  })
}
