/**
 * PUT and GET symlink. A link is a small object of the class STANDARD, with separate attributes and versions; its content
 * is the key of its target (https://cloud.tencent.com/document/product/436/109082).
 */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { crc64 } from '../../core/crc64.js'
import { authorizeRead, hideExistence } from '../http/authorization.js'
import { readEmptyBody } from '../http/read-body.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { empty } from '../http/response.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Attributes, Content, Segment } from '../store/model.js'
import type { Bucket } from '../store/state.js'
import { baseClass, readAttributes } from './shared/attributes.js'
import { contentTypeOf } from './shared/content-types.js'
import {
  authorizeBucket,
  bucketOf,
  checkOverwrite,
  newObject,
  objectHeaders,
  objectOf,
  versionHeader
} from './shared/objects.js'
import { readTarget } from './shared/symlink.js'

type Headers = Readonly<Record<string, string>>

const withoutCrc64 = ({ 'x-cos-hash-crc64ecma': _none, ...headers }: Headers): Headers => headers

interface NewLink {
  readonly bucket: Bucket
  readonly target: string
  readonly attributes: Attributes
}

const readLink = (context: EmulatorContext, request: RoutedRequest): E.Either<ServiceError, NewLink> =>
  pipe(
    E.Do,
    E.bind('bucket', () => authorizeBucket(context, request)),
    E.chainFirst(({ bucket }) => checkOverwrite(bucket, request.key, request.headers)),
    E.bind('target', () => readTarget(request.headers['x-cos-symlink-target'] ?? '')),
    // The suffix of the target decides the type, if it has one.
    E.bind('attributes', ({ bucket, target }) => {
      const key = contentTypeOf(target) === undefined ? request.key : target
      return readAttributes({ headers: request.headers, key }, bucket)
    }),
    E.chainFirst(({ attributes }) =>
      baseClass(attributes.storageClass) === 'STANDARD' && attributes.encryption._tag === 'None'
        ? E.right(true)
        : fail('NotImplemented', 'The emulator stores symlinks as STANDARD, without encryption.')
    )
  )

/** Stores the key of a target. The caller must release the segments. */
const storeTarget = async ({ store }: EmulatorContext, target: string): Promise<Content> => {
  const bytes = Buffer.from(target)
  const writer = await store.blobs.create(bytes.length)
  await writer.write(bytes)
  const segments: ReadonlyArray<Segment> = [{ blob: await writer.commit(), offset: 0, size: bytes.length }]
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
  return { size: bytes.length, etag, crc64: await crc64(bytes), segments }
}

export const putSymlink: Handler = (context, request) => async () => {
  const emptyBody = await readEmptyBody(request)
  const before = E.chain(() => readLink(context, request))(emptyBody)
  if (E.isLeft(before)) return before
  const { target, attributes } = before.right
  const content = await storeTarget(context, target)
  try {
    // Checked again: another writer may have created the object meanwhile.
    const link = readLink(context, request)
    if (E.isLeft(link)) return link
    const { bucket } = link.right
    const symlink = request.headers['x-cos-symlink-target'] ?? ''
    const version = { ...newObject(bucket, context.settings.now(), content, attributes), symlink }
    await context.store.commit({ _tag: 'VersionPut', bucket: bucket.name, key: request.key, version })
    return E.right(empty(200, { etag: content.etag, ...versionHeader(bucket, version.id) }))
  } finally {
    context.store.blobs.release(content.segments)
  }
}

export const getSymlink: Handler = (context, request) => async () =>
  pipe(
    E.Do,
    E.bind('bucket', () => bucketOf(context, request)),
    E.bind('object', ({ bucket }) =>
      hideExistence(request, bucket)(objectOf(bucket, request.key, request.query['versionId']))
    ),
    E.chainFirst(({ bucket, object }) => authorizeRead(request, bucket, object)),
    E.chain(({ bucket, object }) =>
      object.symlink === undefined
        ? fail('NotSymlink')
        : E.right(
            empty(200, {
              ...withoutCrc64(objectHeaders(bucket, object, request.now)),
              'x-cos-symlink-target': object.symlink
            })
          )
    )
  )
