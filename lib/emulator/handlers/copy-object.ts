/** PUT Object - Copy. The copy shares the stored bytes of its source. */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as W from '../../core/wire.js'
import { xmlStream } from '../http/response.js'
import { encryptionHeaders, readAttributes } from './shared/attributes.js'
import type { Handler, RoutedRequest } from '../http/request.js'
import { type Source, sourceOf } from './shared/copy-source.js'
import { optional } from './shared/listing.js'
import { authorizeBucket, checkOverwrite, newObject, versionHeader } from './shared/objects.js'
import { maxPut, readEmptyBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Attributes, Content, Encryption } from '../store/model.js'
import type { Bucket } from '../store/state.js'

const directive = (request: RoutedRequest, name: string): E.Either<ServiceError, 'copy' | 'replaced'> => {
  const value = (request.headers[name] ?? 'Copy').toLowerCase()
  return value === 'copy' || value === 'replaced'
    ? E.right(value)
    : fail('InvalidArgument', `${name} must be Copy or Replaced.`)
}

/** The copy's attributes. It inherits headers and tags unless they are replaced, and never class, ACL or encryption. */
const attributesOf = (
  request: RoutedRequest,
  bucket: Bucket,
  { object, ...named }: Source
): E.Either<ServiceError, Attributes> =>
  pipe(
    E.Do,
    E.apS('metadata', directive(request, 'x-cos-metadata-directive')),
    E.apS('tagging', directive(request, 'x-cos-tagging-directive')),
    E.apS('given', readAttributes(request, bucket)),
    E.chain(({ metadata, tagging, given }) => {
      const isItself =
        named.bucket === request.bucket && named.key === request.key && named.versionId === undefined
      if (isItself && metadata === 'copy')
        return fail(
          'InvalidRequest',
          'To copy an object onto itself, x-cos-metadata-directive must be Replaced.'
        )
      return E.right({
        ...given,
        headers: metadata === 'copy' ? object.attributes.headers : given.headers,
        tags: tagging === 'copy' ? object.attributes.tags : given.tags
      })
    })
  )

const hasMd5Etag = (encryption: Encryption): boolean =>
  encryption._tag === 'None' || encryption._tag === 'Cos'

/** The source's ETag if it is the MD5 in both objects; otherwise an opaque value of the same form. */
const copiedEtag = ({ object }: Source, encryption: Encryption): string => {
  const { etag } = object.content
  const isMd5 =
    /^"[0-9a-f]{32}"$/.test(etag) && hasMd5Etag(object.attributes.encryption) && hasMd5Etag(encryption)
  if (isMd5) return etag
  const opaque = createHash('md5').update(`${encryption._tag} ${etag}`).digest('hex')
  return etag.includes('-') ? `"${opaque}-1"` : `"${opaque}"`
}

export const copyObject: Handler = (context, request) => async () => {
  const emptyBody = await readEmptyBody(request)
  // No await from here to the commit, so that the checks still hold at the commit.
  const copy = pipe(
    emptyBody,
    E.chain(() => authorizeBucket(context, request)),
    E.chainFirst((bucket) => checkOverwrite(bucket, request.key, request.headers)),
    E.bindTo('bucket'),
    E.bind('source', () => sourceOf(context, request)),
    E.chainFirst(({ source }) =>
      source.object.content.size > maxPut ? fail('EntityTooLarge') : E.right(true)
    ),
    E.bind('attributes', ({ bucket, source }) => attributesOf(request, bucket, source))
  )
  if (E.isLeft(copy)) return copy
  const { bucket, source, attributes } = copy.right
  const content: Content = { ...source.object.content, etag: copiedEtag(source, attributes.encryption) }
  const version = newObject(bucket, context.settings.now(), content, attributes)
  await context.store.commit({ _tag: 'VersionPut', bucket: bucket.name, key: request.key, version })
  return E.right(
    xmlStream(
      [
        'CopyObjectResult',
        [
          ['ETag', content.etag],
          ['CRC64', W.Crc64.encode(content.crc64)],
          ['LastModified', new Date(version.modified).toISOString().replace(/\.\d+/, '')],
          ...optional(bucket.versioning === 'Enabled', ['VersionId', version.id])
        ]
      ],
      [],
      {
        ...source.headers,
        ...versionHeader(bucket, version.id),
        ...encryptionHeaders(attributes.encryption)
      }
    )
  )
}
