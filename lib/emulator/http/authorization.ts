/** Decides which unsigned requests are allowed. Signed requests always are: the emulator has one account. */
import * as E from 'fp-ts/lib/Either.js'
import type { RoutedRequest } from './request.js'
import { type ServiceError, fail } from './service-error.js'
import type { OperationName } from './route.js'
import type { Acl, StoredObject } from '../store/model.js'
import type { Bucket } from '../store/state.js'

const readPermissions = new Set<OperationName>([
  'HeadBucket',
  'ListObjects',
  'ListObjectVersions',
  'ListMultipartUploads'
])
const writePermissions = new Set<OperationName>([
  'AbortMultipartUpload',
  'AppendObject',
  'CompleteMultipartUpload',
  'CopyObject',
  'CreateMultipartUpload',
  'DeleteObject',
  'DeleteObjects',
  'ListParts',
  'PostObject',
  'PutObject',
  'PutSymlink',
  'UploadPart',
  'UploadPartCopy'
])

/** The group of all senders, with and without a signature. */
export const everyone = 'http://cam.qcloud.com/groups/global/AllUsers'

const isGrantedToAll = (grants: string | undefined): boolean => grants?.includes(`uri="${everyone}"`) === true

/** The access of unsigned requests. */
export const anyoneMay = ({ acl, grants }: Acl): { readonly read: boolean; readonly write: boolean } => {
  const full = isGrantedToAll(grants['x-cos-grant-full-control'])
  return {
    read: acl.startsWith('public-read') || full || isGrantedToAll(grants['x-cos-grant-read']),
    write: acl === 'public-read-write' || full || isGrantedToAll(grants['x-cos-grant-write'])
  }
}

/** Checks the bucket's ACL. Reading one object is `authorizeRead`, because the object's ACL may allow it. */
export const authorize = (
  { anonymous, operation }: Pick<RoutedRequest, 'anonymous' | 'operation'>,
  bucket: Bucket
): E.Either<ServiceError, true> => {
  if (!anonymous) return E.right(true)
  const { read, write } = anyoneMay(bucket)
  const isAllowed = (readPermissions.has(operation) && read) || (writePermissions.has(operation) && write)
  return isAllowed ? E.right(true) : fail('AccessDenied')
}

/** Checks the ACL of one object. COS returns an encrypted object to signed requests only. */
export const authorizeRead = (
  { anonymous }: Pick<RoutedRequest, 'anonymous'>,
  bucket: Bucket,
  { attributes }: StoredObject
): E.Either<ServiceError, true> => {
  if (!anonymous) return E.right(true)
  const isInherited = attributes.acl === 'default' && attributes.complete !== true
  const { read } = anyoneMay(isInherited ? bucket : attributes)
  return read && attributes.encryption._tag === 'None' ? E.right(true) : fail('AccessDenied')
}

/** An anonymous request to a private bucket gets `AccessDenied` whether the object exists or not. */
export const hideExistence =
  ({ anonymous }: Pick<RoutedRequest, 'anonymous'>, bucket: Bucket) =>
  <A>(found: E.Either<ServiceError, A>): E.Either<ServiceError, A> =>
    E.isLeft(found) && anonymous && !anyoneMay(bucket).read ? fail('AccessDenied') : found
