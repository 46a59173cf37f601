/** Decides which unsigned requests are allowed. Signed requests always are: the emulator has one account. */
import * as E from 'fp-ts/lib/Either.js'
import type { RoutedRequest } from './request.js'
import { type ServiceError, fail } from './service-error.js'
import type { OperationName } from './route.js'
import type { StoredObject } from '../store/model.js'
import type { Bucket } from '../store/state.js'

const readPermissions = new Set<OperationName>([
  'HeadBucket',
  'ListObjects',
  'ListObjectVersions',
  'ListMultipartUploads'
])
const writePermissions = new Set<OperationName>([
  'AbortMultipartUpload',
  'CompleteMultipartUpload',
  'CopyObject',
  'CreateMultipartUpload',
  'DeleteObject',
  'DeleteObjects',
  'ListParts',
  'PutObject',
  'UploadPart',
  'UploadPartCopy'
])

/** Checks the bucket's ACL. Reading one object is `authorizeRead`, because the object's ACL may allow it. */
export const authorize = (
  { anonymous, operation }: Pick<RoutedRequest, 'anonymous' | 'operation'>,
  { acl }: Bucket
): E.Either<ServiceError, true> => {
  const isAllowed =
    !anonymous ||
    (readPermissions.has(operation) && acl !== 'private') ||
    (writePermissions.has(operation) && acl === 'public-read-write')
  return isAllowed ? E.right(true) : fail('AccessDenied')
}

/** Checks the ACL of one object. COS returns an encrypted object to signed requests only. */
export const authorizeRead = (
  { anonymous }: Pick<RoutedRequest, 'anonymous'>,
  { acl }: Bucket,
  { attributes }: StoredObject
): E.Either<ServiceError, true> => {
  const objectAcl = attributes.acl === 'default' ? acl : attributes.acl
  const isAllowed =
    !anonymous || (objectAcl.startsWith('public-read') && attributes.encryption._tag === 'None')
  return isAllowed ? E.right(true) : fail('AccessDenied')
}

/** An anonymous request to a private bucket gets `AccessDenied` whether the object exists or not. */
export const hideExistence =
  ({ anonymous }: Pick<RoutedRequest, 'anonymous'>, { acl }: Bucket) =>
  <A>(found: E.Either<ServiceError, A>): E.Either<ServiceError, A> =>
    E.isLeft(found) && anonymous && acl === 'private' ? fail('AccessDenied') : found
