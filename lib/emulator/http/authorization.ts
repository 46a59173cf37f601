/** What those may do who did not sign. Who signed may do anything: the emulator knows one account. */
import * as E from 'fp-ts/lib/Either.js'
import type { KnownCall } from './request.js'
import { type Refusal, refuse } from './service-error.js'
import type { OperationName } from './route.js'
import type { StoredObject } from '../store/model.js'
import type { Bucket } from '../store/state.js'

const reading = new Set<OperationName>([
  'HeadBucket',
  'ListObjects',
  'ListObjectVersions',
  'ListMultipartUploads'
])
const writing = new Set<OperationName>([
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
export const admit = (
  { anonymous, operation }: Pick<KnownCall, 'anonymous' | 'operation'>,
  { acl }: Bucket
): E.Either<Refusal, true> => {
  const open =
    !anonymous ||
    (reading.has(operation) && acl !== 'private') ||
    (writing.has(operation) && acl === 'public-read-write')
  return open ? E.right(true) : refuse('AccessDenied')
}

/** For reading one object. What is encrypted is for those only who sign. */
export const admitReader = (
  { anonymous }: Pick<KnownCall, 'anonymous'>,
  { acl }: Bucket,
  { attributes }: StoredObject
): E.Either<Refusal, true> => {
  const objectAcl = attributes.acl === 'default' ? acl : attributes.acl
  const open = !anonymous || (objectAcl.startsWith('public-read') && attributes.encryption._tag === 'None')
  return open ? E.right(true) : refuse('AccessDenied')
}

/** Those who may not read need not learn what there is. */
export const discreetly =
  ({ anonymous }: Pick<KnownCall, 'anonymous'>, { acl }: Bucket) =>
  <A>(found: E.Either<Refusal, A>): E.Either<Refusal, A> =>
    E.isLeft(found) && anonymous && acl === 'private' ? refuse('AccessDenied') : found
