/** What those may do who did not sign. Who signed may do anything: the emulator knows one account. */
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

/** For all but the reading of one object, which its own ACL may allow. */
export const authorize = (
  { anonymous, operation }: Pick<RoutedRequest, 'anonymous' | 'operation'>,
  { acl }: Bucket
): E.Either<ServiceError, true> => {
  const open =
    !anonymous ||
    (readPermissions.has(operation) && acl !== 'private') ||
    (writePermissions.has(operation) && acl === 'public-read-write')
  return open ? E.right(true) : fail('AccessDenied')
}

/** For reading one object. What is encrypted is for those only who sign. */
export const authorizeRead = (
  { anonymous }: Pick<RoutedRequest, 'anonymous'>,
  { acl }: Bucket,
  { attributes }: StoredObject
): E.Either<ServiceError, true> => {
  const objectAcl = attributes.acl === 'default' ? acl : attributes.acl
  const open = !anonymous || (objectAcl.startsWith('public-read') && attributes.encryption._tag === 'None')
  return open ? E.right(true) : fail('AccessDenied')
}

/** Those who may not read need not learn what there is. */
export const hideExistence =
  ({ anonymous }: Pick<RoutedRequest, 'anonymous'>, { acl }: Bucket) =>
  <A>(found: E.Either<ServiceError, A>): E.Either<ServiceError, A> =>
    E.isLeft(found) && anonymous && acl === 'private' ? fail('AccessDenied') : found
