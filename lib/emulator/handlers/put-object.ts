/** PUT Object. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { authorize } from '../http/authorization.js'
import { empty } from '../http/response.js'
import { etagOf, readAttributes } from './shared/attributes.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { bucketOf, checkOverwrite, newObject, writtenHeaders } from './shared/objects.js'
import { readBody, type ReadBodyOptions } from '../http/read-body.js'
import type { ServiceError } from '../http/service-error.js'

/** What PUT and POST Object do: stores a body as the latest version of its key. Resolves to the headers of a response. */
export const storeObject = async (
  context: EmulatorContext,
  request: RoutedRequest,
  options: ReadBodyOptions
): Promise<E.Either<ServiceError, Readonly<Record<string, string>>>> => {
  // Errors in the head are returned before the first byte is read, so that a client with `Expect` sends no body.
  const before = pipe(
    bucketOf(context, request),
    E.chainFirst((bucket) => authorize(request, bucket)),
    E.chainFirst((bucket) => checkOverwrite(bucket, request.key, request.headers)),
    E.chain(() => readAttributes(request.headers))
  )
  if (E.isLeft(before)) return before
  const attributes = before.right
  const received = await readBody(context, request, options)()
  if (E.isLeft(received)) return received
  const { md5, size, crc64, segments } = received.right
  try {
    // Checked again after the body: another writer may have created the object meanwhile.
    const bucket = pipe(
      bucketOf(context, request),
      E.chainFirst((now) => checkOverwrite(now, request.key, request.headers))
    )
    if (E.isLeft(bucket)) return bucket
    const content = { size, crc64, segments, etag: etagOf(md5, attributes.encryption) }
    const version = newObject(bucket.right, context.settings.now(), content, attributes)
    await context.store.commit({ _tag: 'VersionPut', bucket: request.bucket, key: request.key, version })
    return E.right(writtenHeaders(bucket.right, version))
  } finally {
    context.store.blobs.release(segments)
  }
}

export const putObject: Handler = (context, request) => async () =>
  pipe(
    await storeObject(context, request, { chunked: true }),
    E.map((headers) => empty(200, headers))
  )
