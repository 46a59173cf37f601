/** PUT Object. */
import * as E from 'fp-ts/lib/Either.js'
import { empty } from '../http/response.js'
import { etagOf, readAttributes } from './shared/attributes.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { authorizeBucket, checkOverwrite, newObject, writtenHeaders } from './shared/objects.js'
import { readBody, type ReadBodyOptions } from '../http/read-body.js'
import type { ServiceError } from '../http/service-error.js'
import type { Bucket } from '../store/state.js'

/** The bucket, if the sender may write to it and its object may be replaced. */
const findWritable = (context: EmulatorContext, request: RoutedRequest): E.Either<ServiceError, Bucket> => {
  const bucket = authorizeBucket(context, request)
  if (E.isLeft(bucket)) return bucket
  const overwrite = checkOverwrite(bucket.right, request.key, request.headers)
  return E.isLeft(overwrite) ? overwrite : bucket
}

/** What PUT and POST Object do: stores a body as the latest version of its key. Resolves to the headers of a response. */
export const storeObject = async (
  context: EmulatorContext,
  request: RoutedRequest,
  options: ReadBodyOptions
): Promise<E.Either<ServiceError, Readonly<Record<string, string>>>> => {
  // Errors in the head are returned before the first byte is read, so that a client with `Expect` sends no body.
  const before = findWritable(context, request)
  if (E.isLeft(before)) return before
  const read = readAttributes(request, before.right)
  if (E.isLeft(read)) return read
  const attributes = read.right
  const received = await readBody(context, request, options)()
  if (E.isLeft(received)) return received
  const { md5, size, crc64, segments } = received.right
  try {
    // Checked again after the body: another writer may have created the object meanwhile.
    const bucket = findWritable(context, request)
    if (E.isLeft(bucket)) return bucket
    const content = { size, crc64, segments, etag: etagOf(md5, attributes.encryption) }
    const version = newObject(bucket.right, context.settings.now(), content, attributes)
    await context.store.commit({ _tag: 'VersionPut', bucket: request.bucket, key: request.key, version })
    return E.right(writtenHeaders(bucket.right, version))
  } finally {
    context.store.blobs.release(segments)
  }
}

export const putObject: Handler = (context, request) => async () => {
  const headers = await storeObject(context, request, { chunked: true })
  return E.isLeft(headers) ? headers : E.right(empty(200, headers.right))
}
