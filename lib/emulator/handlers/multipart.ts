/** The life of a multipart upload: Initiate, Upload Part, Abort. Its end is in complete.ts. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as W from '../../core/wire.js'
import { authorize } from '../http/authorization.js'
import { empty, xml } from '../http/response.js'
import { checkCustomerKey, encryptionHeaders, etagOf, readAttributes } from './shared/attributes.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { bucketOf, checkOverwrite, newUploadId } from './shared/objects.js'
import { readBody, readEmptyBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Content } from '../store/model.js'
import { type Bucket, type Upload, uploadOf } from '../store/state.js'

export const maxParts = 10_000

export interface Open {
  readonly bucket: Bucket
  readonly upload: Upload
}

/** The upload that a call is about, if it is open and the caller may go on with it. */
export const openUpload = (house: EmulatorContext, call: RoutedRequest): E.Either<ServiceError, Open> =>
  pipe(
    bucketOf(house, call),
    E.chainFirst((bucket) => authorize(call, bucket)),
    E.chain((bucket) => {
      const upload = uploadOf(bucket, call.key, call.query['uploadId'] ?? '')
      return upload === undefined ? fail('NoSuchUpload') : E.right({ bucket, upload })
    })
  )

export const createMultipartUpload: Handler = (house, call) => async () => {
  const asked = pipe(
    bucketOf(house, call),
    E.chainFirst((bucket) => authorize(call, bucket)),
    E.chainFirst((bucket) => checkOverwrite(bucket, call.key, call.headers)),
    E.chain(() => readAttributes(call.headers))
  )
  if (E.isLeft(asked)) return asked
  const nothing = await readEmptyBody(call)
  if (E.isLeft(nothing)) return nothing
  const attributes = asked.right
  const { bucket, key } = call
  const initiated = house.settings.now()
  const id = newUploadId(initiated)
  await house.store.commit({ _tag: 'UploadMade', bucket, key, id, initiated, attributes })
  return E.right(
    xml(
      [
        'InitiateMultipartUploadResult',
        [
          ['Bucket', bucket],
          ['Key', key],
          ['UploadId', id]
        ]
      ],
      encryptionHeaders(attributes.encryption)
    )
  )
}

// -- parts --
export const readPartNumber = (call: RoutedRequest): E.Either<ServiceError, number> => {
  const text = call.query['partNumber'] ?? ''
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0
  return number >= 1 && number <= maxParts
    ? E.right(number)
    : fail('InvalidArgument', `partNumber should be a number from 1 to ${String(maxParts)}.`)
}

/** Puts a part in, unless the upload ended while its bytes came: then they were for nothing. */
export const keepPart = async (
  house: EmulatorContext,
  call: RoutedRequest,
  number: number,
  content: Content
): Promise<E.Either<ServiceError, number>> => {
  const open = openUpload(house, call)
  if (E.isLeft(open)) return open
  const { bucket, key } = call
  const modified = house.settings.now()
  const part = { number, modified, content }
  await house.store.commit({ _tag: 'PartPut', bucket, key, id: open.right.upload.id, part })
  return E.right(modified)
}

export const uploadPart: Handler = (house, call) => async () => {
  const before = pipe(
    E.Do,
    E.bind('number', () => readPartNumber(call)),
    E.bind('open', () => openUpload(house, call)),
    E.chainFirst(({ open }) => checkCustomerKey(call.headers, open.upload.attributes.encryption))
  )
  if (E.isLeft(before)) return before
  const { number, open } = before.right
  const { encryption } = open.upload.attributes
  const received = await readBody(house, call, { chunked: false })()
  if (E.isLeft(received)) return received
  const { md5, size, crc64, segments } = received.right
  try {
    const content = { size, crc64, segments, etag: etagOf(md5, encryption) }
    const kept = await keepPart(house, call, number, content)
    if (E.isLeft(kept)) return kept
    return E.right(
      empty(200, {
        etag: content.etag,
        'x-cos-hash-crc64ecma': W.Crc64.encode(crc64),
        ...encryptionHeaders(encryption)
      })
    )
  } finally {
    house.store.blobs.release(segments)
  }
}

export const abortMultipartUpload: Handler = (house, call) => async () => {
  const open = openUpload(house, call)
  if (E.isLeft(open)) return open
  const { bucket, key } = call
  await house.store.commit({ _tag: 'UploadAborted', bucket, key, id: open.right.upload.id })
  return E.right(empty(204))
}
