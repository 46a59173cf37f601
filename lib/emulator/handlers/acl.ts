/** PUT and GET of the ACL of a bucket or an object. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import { readEmptyBody, readXmlBody } from '../http/read-body.js'
import type { Handler, RoutedRequest } from '../http/request.js'
import { type EmulatorResponse, empty, xml } from '../http/response.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Acl } from '../store/model.js'
import {
  cannedAclOf,
  hasAclHeader,
  readAclDocument,
  readCannedAcl,
  readGrants,
  writeAcl
} from './shared/acl.js'
import { objectAcls } from './shared/attributes.js'
import { bucketAcls } from './put-bucket.js'
import { authorizeBucket, bucketOf, objectOf, versionHeader } from './shared/objects.js'

const response = (bucket: string, acl: Acl): EmulatorResponse =>
  xml(writeAcl(bucket, acl), { 'x-cos-acl': cannedAclOf(acl) })

export const getBucketAcl: Handler = (context, request) => async () =>
  pipe(
    authorizeBucket(context, request),
    E.map((bucket) => response(bucket.name, bucket))
  )

export const getObjectAcl: Handler = (context, request) => async () =>
  pipe(
    authorizeBucket(context, request),
    E.chain((bucket) => objectOf(bucket, request.key, request.query['versionId'])),
    E.map(({ attributes }) => response(request.bucket, attributes))
  )

const maxAcl = 64 * KiB

/** Reads a new ACL: from headers without a body, or from a document without headers. */
const readAcl = async <A extends string>(
  request: RoutedRequest,
  known: readonly [first: A, ...others: ReadonlyArray<A>]
): Promise<E.Either<ServiceError, Acl & { readonly acl: A }>> => {
  if (!hasAclHeader(request.headers)) {
    const rows = await readXmlBody(request, 'AccessControlPolicy', maxAcl)
    return pipe(
      rows,
      E.chain(readAclDocument),
      E.map((document) => ({ acl: known[0], ...document }))
    )
  }
  const emptyBody = await readEmptyBody(request)
  if (E.isLeft(emptyBody))
    return fail('InvalidRequest', 'An ACL must be in the headers or in the body, not in both.')
  return pipe(
    E.Do,
    E.apS('acl', readCannedAcl(request.headers, known)),
    E.apS('grants', readGrants(request.headers))
  )
}

export const putBucketAcl: Handler = (context, request) => async () => {
  const before = authorizeBucket(context, request)
  if (E.isLeft(before)) return before
  const acl = await readAcl(request, bucketAcls)
  const checked = pipe(bucketOf(context, request), E.bindTo('bucket'), E.apS('acl', acl))
  if (E.isLeft(checked)) return checked
  const { name: bucket, versioning } = checked.right.bucket
  await context.store.commit({ _tag: 'BucketChanged', bucket, versioning, ...checked.right.acl })
  return E.right(empty(200))
}

export const putObjectAcl: Handler = (context, request) => async () => {
  const before = authorizeBucket(context, request)
  if (E.isLeft(before)) return before
  const acl = await readAcl(request, objectAcls)
  const checked = pipe(
    bucketOf(context, request),
    E.bindTo('bucket'),
    E.apS('acl', acl),
    E.bind('object', ({ bucket }) => objectOf(bucket, request.key, request.query['versionId']))
  )
  if (E.isLeft(checked)) return checked
  const { bucket, object } = checked.right
  const { complete: _complete, ...others } = object.attributes
  await context.store.commit({
    ...{ _tag: 'AttributesPut', bucket: bucket.name, key: request.key, id: object.id },
    attributes: { ...others, ...checked.right.acl }
  })
  return E.right(empty(200, versionHeader(bucket, object.id)))
}
