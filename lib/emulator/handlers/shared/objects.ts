/** Finds objects, creates new versions, and writes an object's response headers. */
import { randomBytes, randomInt } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import * as W from '../../../core/wire.js'
import { baseClass, encryptionHeaders, isTiered } from './attributes.js'
import { authorize } from '../../http/authorization.js'
import type { EmulatorContext, RoutedRequest } from '../../http/request.js'
import { regionOfHost } from '../../http/route.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import type { Attributes, Content, Restore, StoredObject, Version } from '../../store/model.js'
import type { Bucket } from '../../store/state.js'

type Headers = Readonly<Record<string, string>>

/** Whether a bucket is in the region that a host names. */
export const isReachedBy = ({ region }: Bucket, host: string): boolean =>
  region === undefined || (regionOfHost(host) ?? region) === region

/** The bucket, if it is in the region of the request's host. */
export const bucketOf = (
  context: EmulatorContext,
  { bucket, host }: { readonly bucket: string; readonly host: string }
): E.Either<ServiceError, Bucket> => {
  const found = context.store.bucket(bucket)
  if (found === undefined) return fail('NoSuchBucket')
  return isReachedBy(found, host)
    ? E.right(found)
    : fail(
        'NoSuchBucket',
        `The specified bucket does not exist. (The emulator has it in ${found.region ?? ''}.)`
      )
}

/** The bucket, if its ACL allows the request. For a read of one object it is `authorizeRead`. */
export const authorizeBucket = (
  context: EmulatorContext,
  request: RoutedRequest
): E.Either<ServiceError, Bucket> => {
  const bucket = bucketOf(context, request)
  if (E.isLeft(bucket)) return bucket
  const authorized = authorize(request, bucket.right)
  return E.isLeft(authorized) ? authorized : bucket
}

export const regionOf = ({ settings }: EmulatorContext, { region }: Bucket): string =>
  region ?? settings.region

/** The latest version, or the named one, delete markers included. */
export const versionOf = (
  bucket: Bucket,
  key: string,
  versionId: string | undefined
): E.Either<ServiceError, Version> => {
  const versions = bucket.objects.get(key) ?? []
  const [latest] = versions
  if (versionId === undefined || versionId === '')
    return latest === undefined ? fail('NoSuchKey') : E.right(latest)
  const found = versions.find(({ id }) => id === versionId)
  return found === undefined ? fail('NoSuchVersion') : E.right(found)
}

/** Like `versionOf`, but a delete marker is `NoSuchKey`, with and without a version id. */
export const objectOf = (
  bucket: Bucket,
  key: string,
  versionId: string | undefined
): E.Either<ServiceError, StoredObject> => {
  const version = versionOf(bucket, key, versionId)
  if (E.isLeft(version)) return version
  return version.right._tag === 'Object' ? E.right(version.right) : fail('NoSuchKey')
}

const exists = (bucket: Bucket, key: string): boolean => bucket.objects.get(key)?.[0]?._tag === 'Object'

/** `x-cos-forbid-overwrite` applies only to buckets that were never versioned. */
export const checkOverwrite = (
  bucket: Bucket,
  key: string,
  headers: Headers
): E.Either<ServiceError, true> =>
  headers['x-cos-forbid-overwrite']?.toLowerCase() === 'true' &&
  bucket.versioning === 'Off' &&
  exists(bucket, key)
    ? fail('FileAlreadyExists')
    : E.right(true)

// -- new versions --
let tick = 0n

/** In the form of COS's ids: Base64 of a number of twenty digits that decreases with time. `now` in milliseconds. */
const newVersionId = (now: number): string => {
  const next = BigInt(Math.floor(now)) * 1_000_000n + BigInt(randomInt(1_000_000))
  tick = next > tick ? next : tick + 1n
  return Buffer.from(String(18_446_744_073_709_551_615n - tick)).toString('base64url')
}

/** The id of a new version. Without versioning it is `null`, which replaces an earlier `null` version. */
export const nextId = (bucket: Bucket, now: number): string =>
  bucket.versioning === 'Enabled' ? newVersionId(now) : 'null'

/** In the form of COS's ids: 74 hex digits, beginning with the time. */
export const newUploadId = (now: number): string =>
  `${String(Math.floor(now / 1000)).padStart(10, '0')}${randomBytes(32).toString('hex')}`

export const newObject = (
  bucket: Bucket,
  now: number,
  content: Content,
  attributes: Attributes
): StoredObject => ({ _tag: 'Object', id: nextId(bucket, now), modified: now, content, attributes })

/** `x-cos-version-id` of a written version; absent while versioning is suspended, as on PUT's page. */
export const versionHeader = (bucket: Bucket, id: string): Headers =>
  bucket.versioning === 'Enabled' ? { 'x-cos-version-id': id } : {}

export const writtenHeaders = (bucket: Bucket, { id, content, attributes }: StoredObject): Headers => ({
  etag: content.etag,
  'x-cos-hash-crc64ecma': W.Crc64.encode(content.crc64),
  ...versionHeader(bucket, id),
  ...encryptionHeaders(attributes.encryption)
})

// -- archives --
export const isArchive = (storageClass: string): boolean =>
  ['ARCHIVE', 'DEEP_ARCHIVE'].includes(baseClass(storageClass))

export type RestoreState = 'None' | 'Ongoing' | 'Done'

export const restoreState = (restore: Restore | undefined, now: number): RestoreState => {
  if (restore === undefined || now >= restore.expires) return 'None'
  return now < restore.done ? 'Ongoing' : 'Done'
}

/** An archived object can be read while it has a restored copy. */
export const checkReadable = (
  { attributes, restore }: StoredObject,
  now: number
): E.Either<ServiceError, true> =>
  isArchive(attributes.storageClass) && restoreState(restore, now) !== 'Done'
    ? fail('InvalidObjectState')
    : E.right(true)

const httpDate = (time: number): string => W.HttpDate.encode(new Date(time))

const restoreHeaders = ({ restore }: StoredObject, now: number): Headers => {
  const state = restoreState(restore, now)
  if (restore === undefined || state === 'None') return {}
  return state === 'Ongoing'
    ? {
        'x-cos-restore': 'ongoing-request="true"',
        'x-cos-restore-status': `tier="${restore.tier.toLowerCase()}"; request-date="${httpDate(restore.requested)}"`
      }
    : { 'x-cos-restore': `ongoing-request="false", expiry-date="${httpDate(restore.expires)}"` }
}

// -- response headers --
export const nextAppendPosition = (size: number): Headers => ({ 'x-cos-next-append-position': String(size) })

/** The headers of HEAD and GET. */
export const objectHeaders = (bucket: Bucket, object: StoredObject, now: number): Headers => {
  const { id, modified, content, attributes } = object
  const { storageClass, tags } = attributes
  return {
    'content-type': 'application/octet-stream',
    ...attributes.headers,
    'accept-ranges': 'bytes',
    etag: content.etag,
    'last-modified': httpDate(modified),
    'x-cos-hash-crc64ecma': W.Crc64.encode(content.crc64),
    ...(object.appendable === true
      ? { 'x-cos-object-type': 'appendable', ...nextAppendPosition(content.size) }
      : {}),
    // COS omits the header for STANDARD.
    ...(storageClass === 'STANDARD' ? {} : { 'x-cos-storage-class': storageClass }),
    ...(isTiered(storageClass) ? { 'x-cos-storage-tier': 'FREQUENT' } : {}),
    ...(bucket.versioning === 'Off' ? {} : { 'x-cos-version-id': id }),
    ...(tags.length === 0 ? {} : { 'x-cos-tagging-count': String(tags.length) }),
    ...restoreHeaders(object, now),
    ...encryptionHeaders(attributes.encryption)
  }
}
