/** What other people's tools ask of buckets before they come to objects. */
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

const authorizeBucket = (house: EmulatorContext, call: RoutedRequest): E.Either<ServiceError, Bucket> =>
  pipe(
    bucketOf(house, call),
    E.chainFirst((bucket) => authorize(call, bucket))
  )

const signed = ({ anonymous }: RoutedRequest): E.Either<ServiceError, true> =>
  anonymous ? fail('AccessDenied') : E.right(true)

export const headBucket: Handler = (house, call) => async () =>
  pipe(
    authorizeBucket(house, call),
    E.map(() => empty(200, { 'x-cos-bucket-region': house.settings.region }))
  )

export const listBuckets: Handler = (house, call) => async () => {
  const { region } = house.settings
  const buckets = house.store.buckets()
  const rows = buckets.map(({ name, created }): Xml => [
    'Bucket',
    [
      ['Name', name],
      ['Location', region],
      ['CreationDate', isoTime(created).replace(/\.\d+/, '')]
    ]
  ])
  return pipe(
    signed(call),
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

export const putBucket: Handler = (house, call) => async () => {
  const { bucket } = call
  const acl = bucketAcls[call.headers['x-cos-acl'] ?? 'private']
  if (call.anonymous) return fail('AccessDenied')
  if (acl === undefined) return fail('InvalidArgument', 'x-cos-acl is not that of a bucket.')
  if (!isBucketName(bucket)) return fail('InvalidBucketName')
  if ((call.body.declared ?? 0) > 0 || call.body.chunked)
    return fail('NotImplemented', 'The emulator takes no configuration of a bucket.')
  if (house.store.bucket(bucket) !== undefined) return fail('BucketAlreadyExists')
  const created = house.settings.now()
  await house.store.commit({ _tag: 'BucketMade', bucket, created, versioning: 'Off', acl })
  return E.right(empty(200))
}

export const deleteBucket: Handler = (house, call) => async () => {
  const bucket = authorizeBucket(house, call)
  if (E.isLeft(bucket)) return bucket
  const { name, objects, uploads } = bucket.right
  if (objects.size() > 0 || uploads.size() > 0) return fail('BucketNotEmpty')
  await house.store.commit({ _tag: 'BucketRemoved', bucket: name })
  return E.right(empty(204))
}

// -- versioning --
export const getBucketVersioning: Handler = (house, call) => async () =>
  pipe(
    authorizeBucket(house, call),
    E.map(({ versioning }) =>
      xml(['VersioningConfiguration', versioning === 'Off' ? [] : [['Status', versioning]]])
    )
  )

export const putBucketVersioning: Handler = (house, call) => async () => {
  const rows = await readXmlBody(call, 'VersioningConfiguration', 64 * KiB)
  const asked = pipe(authorizeBucket(house, call), E.bindTo('bucket'), E.apS('rows', rows))
  if (E.isLeft(asked)) return asked
  const { bucket } = asked.right
  const status = asked.right.rows.find(({ name }) => name === 'Status')?.text.trim()
  if (status !== 'Enabled' && status !== 'Suspended')
    return fail('MalformedXML', 'Status should be Enabled or Suspended.')
  await house.store.commit({
    _tag: 'BucketChanged',
    bucket: bucket.name,
    versioning: status,
    acl: bucket.acl
  })
  return E.right(empty(200))
}
