/** Bucket operations that other tools send before their object requests. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import type { Xml } from '../../core/xml.js'
import { authorize } from '../http/authorization.js'
import { empty, xml } from '../http/response.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { isoTime, ownerOf } from './shared/listing.js'
import { bucketOf } from './shared/objects.js'
import { isBucketName } from '../options.js'
import { readXmlBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { BucketAcl } from '../store/model.js'
import type { Bucket } from '../store/state.js'

const authorizeBucket = (context: EmulatorContext, request: RoutedRequest): E.Either<ServiceError, Bucket> =>
  pipe(
    bucketOf(context, request),
    E.chainFirst((bucket) => authorize(request, bucket))
  )

const requireSignature = ({ anonymous }: RoutedRequest): E.Either<ServiceError, true> =>
  anonymous ? fail('AccessDenied') : E.right(true)

export const headBucket: Handler = (context, request) => async () =>
  pipe(
    authorizeBucket(context, request),
    E.map(() => empty(200, { 'x-cos-bucket-region': context.settings.region }))
  )

export const listBuckets: Handler = (context, request) => async () => {
  const { region } = context.settings
  const buckets = context.store.buckets()
  const rows = buckets.map(({ name, created }): Xml => [
    'Bucket',
    [
      ['Name', name],
      ['Location', region],
      ['CreationDate', isoTime(created).replace(/\.\d+/, '')]
    ]
  ])
  return pipe(
    requireSignature(request),
    E.map(() =>
      xml(['ListAllMyBucketsResult', [ownerOf(buckets[0]?.name ?? '-1250000000'), ['Buckets', rows]]])
    )
  )
}

const bucketAcls: Readonly<Record<string, BucketAcl>> = {
  private: 'private',
  'public-read': 'public-read',
  'public-read-write': 'public-read-write'
}

export const putBucket: Handler = (context, request) => async () => {
  const { bucket } = request
  const acl = bucketAcls[request.headers['x-cos-acl'] ?? 'private']
  if (request.anonymous) return fail('AccessDenied')
  if (acl === undefined)
    return fail('InvalidArgument', 'x-cos-acl must be private, public-read or public-read-write.')
  if (!isBucketName(bucket)) return fail('InvalidBucketName')
  if ((request.body.declared ?? 0) > 0 || request.body.chunked)
    return fail('NotImplemented', 'The emulator does not implement a body of PUT Bucket.')
  if (context.store.bucket(bucket) !== undefined) return fail('BucketAlreadyExists')
  const created = context.settings.now()
  await context.store.commit({ _tag: 'BucketMade', bucket, created, versioning: 'Off', acl })
  return E.right(empty(200))
}

export const deleteBucket: Handler = (context, request) => async () => {
  const bucket = authorizeBucket(context, request)
  if (E.isLeft(bucket)) return bucket
  const { name, objects, uploads } = bucket.right
  if (objects.size() > 0 || uploads.size() > 0) return fail('BucketNotEmpty')
  await context.store.commit({ _tag: 'BucketRemoved', bucket: name })
  return E.right(empty(204))
}

// -- versioning --
export const getBucketVersioning: Handler = (context, request) => async () =>
  pipe(
    authorizeBucket(context, request),
    E.map(({ versioning }) =>
      xml(['VersioningConfiguration', versioning === 'Off' ? [] : [['Status', versioning]]])
    )
  )

export const putBucketVersioning: Handler = (context, request) => async () => {
  const rows = await readXmlBody(request, 'VersioningConfiguration', 64 * KiB)
  const checked = pipe(authorizeBucket(context, request), E.bindTo('bucket'), E.apS('rows', rows))
  if (E.isLeft(checked)) return checked
  const { bucket } = checked.right
  const status = checked.right.rows.find(({ name }) => name === 'Status')?.text.trim()
  if (status !== 'Enabled' && status !== 'Suspended')
    return fail('MalformedXML', 'Status must be Enabled or Suspended.')
  await context.store.commit({
    _tag: 'BucketChanged',
    bucket: bucket.name,
    versioning: status,
    acl: bucket.acl
  })
  return E.right(empty(200))
}
