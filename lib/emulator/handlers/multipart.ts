/** Initiate Multipart Upload, Upload Part, Abort Multipart Upload. Complete is in complete.ts. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as W from '../../core/wire.js'
import { empty, xml } from '../http/response.js'
import { checkCustomerKey, encryptionHeaders, etagOf, readAttributes } from './shared/attributes.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { authorizeBucket, checkOverwrite, newUploadId } from './shared/objects.js'
import { readBody, readEmptyBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Content } from '../store/model.js'
import { type Bucket, type Upload, uploadOf } from '../store/state.js'

export const maxParts = 10_000

export interface OpenUpload {
  readonly bucket: Bucket
  readonly upload: Upload
}

/** The upload that a request names, if it is open and the sender may use it. */
export const openUpload = (
  context: EmulatorContext,
  request: RoutedRequest
): E.Either<ServiceError, OpenUpload> =>
  pipe(
    authorizeBucket(context, request),
    E.chain((bucket) => {
      const upload = uploadOf(bucket, request.key, request.query['uploadId'] ?? '')
      return upload === undefined ? fail('NoSuchUpload') : E.right({ bucket, upload })
    })
  )

export const createMultipartUpload: Handler = (context, request) => async () => {
  const checked = pipe(
    authorizeBucket(context, request),
    E.chainFirst((bucket) => checkOverwrite(bucket, request.key, request.headers)),
    E.chain((bucket) => readAttributes(request, bucket))
  )
  if (E.isLeft(checked)) return checked
  const emptyBody = await readEmptyBody(request)
  if (E.isLeft(emptyBody)) return emptyBody
  const attributes = checked.right
  const { bucket, key } = request
  const initiated = context.settings.now()
  const id = newUploadId(initiated)
  await context.store.commit({ _tag: 'UploadMade', bucket, key, id, initiated, attributes })
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
export const readPartNumber = (request: RoutedRequest): E.Either<ServiceError, number> => {
  const text = request.query['partNumber'] ?? ''
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0
  return number >= 1 && number <= maxParts
    ? E.right(number)
    : fail('InvalidArgument', `partNumber must be from 1 to ${String(maxParts)}.`)
}

/** Stores a part; fails with `NoSuchUpload` if the upload ended while the bytes arrived. Returns the time of the part. */
export const storePart = async (
  context: EmulatorContext,
  request: RoutedRequest,
  number: number,
  content: Content
): Promise<E.Either<ServiceError, number>> => {
  const open = openUpload(context, request)
  if (E.isLeft(open)) return open
  const { bucket, key } = request
  const modified = context.settings.now()
  const part = { number, modified, content }
  await context.store.commit({ _tag: 'PartPut', bucket, key, id: open.right.upload.id, part })
  return E.right(modified)
}

export const uploadPart: Handler = (context, request) => async () => {
  const before = pipe(
    E.Do,
    E.bind('number', () => readPartNumber(request)),
    E.bind('open', () => openUpload(context, request)),
    E.chainFirst(({ open }) => checkCustomerKey(request.headers, open.upload.attributes.encryption))
  )
  if (E.isLeft(before)) return before
  const { number, open } = before.right
  const { encryption } = open.upload.attributes
  const received = await readBody(context, request, { chunked: false })()
  if (E.isLeft(received)) return received
  const { md5, size, crc64, segments } = received.right
  try {
    const content = { size, crc64, segments, etag: etagOf(md5, encryption) }
    const stored = await storePart(context, request, number, content)
    if (E.isLeft(stored)) return stored
    return E.right(
      empty(200, {
        etag: content.etag,
        'x-cos-hash-crc64ecma': W.Crc64.encode(crc64),
        ...encryptionHeaders(encryption)
      })
    )
  } finally {
    context.store.blobs.release(segments)
  }
}

export const abortMultipartUpload: Handler = (context, request) => async () => {
  const open = openUpload(context, request)
  if (E.isLeft(open)) return open
  const { bucket, key } = request
  await context.store.commit({ _tag: 'UploadAborted', bucket, key, id: open.right.upload.id })
  return E.right(empty(204))
}
