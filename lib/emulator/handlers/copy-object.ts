/** PUT Object - Copy. The copy shares the source's bytes: none are moved. */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as W from '../../core/wire.js'
import { authorize } from '../http/authorization.js'
import { xmlStream } from '../http/response.js'
import { encryptionHeaders, readAttributes } from './shared/attributes.js'
import type { Handler, RoutedRequest } from '../http/request.js'
import { type Source, sourceOf } from './shared/copy-source.js'
import { optional } from './shared/listing.js'
import { bucketOf, checkOverwrite, newObject, versionHeader } from './shared/objects.js'
import { maxPut, readEmptyBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Attributes, Content, Encryption } from '../store/model.js'

const directive = (call: RoutedRequest, name: string): E.Either<ServiceError, 'copy' | 'replaced'> => {
  const given = (call.headers[name] ?? 'Copy').toLowerCase()
  return given === 'copy' || given === 'replaced'
    ? E.right(given)
    : fail('InvalidArgument', `${name} should be Copy or Replaced.`)
}

/** What a copy inherits: headers and tags, unless they are replaced. Never the class, the ACL or the encryption. */
const inheriting = (call: RoutedRequest, { object, ...named }: Source): E.Either<ServiceError, Attributes> =>
  pipe(
    E.Do,
    E.apS('metadata', directive(call, 'x-cos-metadata-directive')),
    E.apS('tagging', directive(call, 'x-cos-tagging-directive')),
    E.apS('given', readAttributes(call.headers)),
    E.chain(({ metadata, tagging, given }) => {
      const itself = named.bucket === call.bucket && named.key === call.key && named.versionId === undefined
      if (itself && metadata === 'copy')
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

const plain = (encryption: Encryption): boolean => encryption._tag === 'None' || encryption._tag === 'Cos'

/** The source's ETag where that is the MD5 and may be so in the copy; something else of its shape otherwise. */
const copiedEtag = ({ object }: Source, encryption: Encryption): string => {
  const { etag } = object.content
  const isMd5 = /^"[0-9a-f]{32}"$/.test(etag) && plain(object.attributes.encryption) && plain(encryption)
  if (isMd5) return etag
  const opaque = createHash('md5').update(`${encryption._tag} ${etag}`).digest('hex')
  return etag.includes('-') ? `"${opaque}-1"` : `"${opaque}"`
}

export const copyObject: Handler = (house, call) => async () => {
  const nothing = await readEmptyBody(call)
  // No await from here to the commit: what was checked still holds when it is done.
  const copy = pipe(
    nothing,
    E.chain(() => bucketOf(house, call)),
    E.chainFirst((bucket) => authorize(call, bucket)),
    E.chainFirst((bucket) => checkOverwrite(bucket, call.key, call.headers)),
    E.bindTo('bucket'),
    E.bind('source', () => sourceOf(house, call)),
    E.chainFirst(({ source }) =>
      source.object.content.size > maxPut ? fail('EntityTooLarge') : E.right(true)
    ),
    E.bind('attributes', ({ source }) => inheriting(call, source))
  )
  if (E.isLeft(copy)) return copy
  const { bucket, source, attributes } = copy.right
  const content: Content = { ...source.object.content, etag: copiedEtag(source, attributes.encryption) }
  const version = newObject(bucket, house.settings.now(), content, attributes)
  await house.store.commit({ _tag: 'VersionPut', bucket: bucket.name, key: call.key, version })
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
