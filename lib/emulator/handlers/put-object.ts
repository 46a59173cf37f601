/** PUT Object. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { authorize } from '../http/authorization.js'
import { empty } from '../http/response.js'
import { etagOf, readAttributes } from './shared/attributes.js'
import type { Handler } from '../http/request.js'
import { bucketOf, checkOverwrite, newObject, writtenHeaders } from './shared/objects.js'
import { readBody } from '../http/read-body.js'

export const putObject: Handler = (house, call) => async () => {
  // All that can be refused is refused before the first byte comes in; a caller with `Expect` then sends none.
  const before = pipe(
    bucketOf(house, call),
    E.chainFirst((bucket) => authorize(call, bucket)),
    E.chainFirst((bucket) => checkOverwrite(bucket, call.key, call.headers)),
    E.chain(() => readAttributes(call.headers))
  )
  if (E.isLeft(before)) return before
  const attributes = before.right
  const received = await readBody(house, call, { chunked: true })()
  if (E.isLeft(received)) return received
  const { md5, size, crc64, segments } = received.right
  try {
    // Asked anew, of the bucket as it is now: another writer may have been quicker.
    const bucket = pipe(
      bucketOf(house, call),
      E.chainFirst((now) => checkOverwrite(now, call.key, call.headers))
    )
    if (E.isLeft(bucket)) return bucket
    const content = { size, crc64, segments, etag: etagOf(md5, attributes.encryption) }
    const version = newObject(bucket.right, house.settings.now(), content, attributes)
    await house.store.commit({ _tag: 'VersionPut', bucket: call.bucket, key: call.key, version })
    return E.right(empty(200, writtenHeaders(bucket.right, version)))
  } finally {
    house.store.blobs.release(segments)
  }
}
