/** What other people's tools ask of buckets before they come to objects. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Xml } from '../../core/xml.js'
import { admit } from '../http/authorization.js'
import { empty, xml } from '../http/response.js'
import type { Handler, House, KnownCall } from '../http/request.js'
import { isoTime, ownerOf } from './shared/listing.js'
import { bucketOf } from './shared/objects.js'
import { isBucketName } from '../options.js'
import { receiveXml } from '../http/read-body.js'
import { type Refusal, refuse } from '../http/service-error.js'
import type { BucketAcl } from '../store/model.js'
import type { Bucket } from '../store/state.js'

const admitted = (house: House, call: KnownCall): E.Either<Refusal, Bucket> =>
  pipe(
    bucketOf(house, call),
    E.chainFirst((bucket) => admit(call, bucket))
  )

const signed = ({ anonymous }: KnownCall): E.Either<Refusal, true> =>
  anonymous ? refuse('AccessDenied') : E.right(true)

export const headBucket: Handler = (house, call) => async () =>
  pipe(
    admitted(house, call),
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
  if (call.anonymous) return refuse('AccessDenied')
  if (acl === undefined) return refuse('InvalidArgument', 'x-cos-acl is not that of a bucket.')
  if (!isBucketName(bucket)) return refuse('InvalidBucketName')
  if ((call.body.declared ?? 0) > 0 || call.body.chunked)
    return refuse('NotImplemented', 'The emulator takes no configuration of a bucket.')
  if (house.store.bucket(bucket) !== undefined) return refuse('BucketAlreadyExists')
  const created = house.settings.now()
  await house.store.commit({ _tag: 'BucketMade', bucket, created, versioning: 'Off', acl })
  return E.right(empty(200))
}

export const deleteBucket: Handler = (house, call) => async () => {
  const bucket = admitted(house, call)
  if (E.isLeft(bucket)) return bucket
  const { name, objects, uploads } = bucket.right
  if (objects.size() > 0 || uploads.size() > 0) return refuse('BucketNotEmpty')
  await house.store.commit({ _tag: 'BucketRemoved', bucket: name })
  return E.right(empty(204))
}

// -- versioning --
export const getBucketVersioning: Handler = (house, call) => async () =>
  pipe(
    admitted(house, call),
    E.map(({ versioning }) =>
      xml(['VersioningConfiguration', versioning === 'Off' ? [] : [['Status', versioning]]])
    )
  )

export const putBucketVersioning: Handler = (house, call) => async () => {
  const rows = await receiveXml(call, 'VersioningConfiguration', 64 * 1024)
  const asked = pipe(admitted(house, call), E.bindTo('bucket'), E.apS('rows', rows))
  if (E.isLeft(asked)) return asked
  const { bucket } = asked.right
  const status = asked.right.rows.find(({ name }) => name === 'Status')?.text.trim()
  if (status !== 'Enabled' && status !== 'Suspended')
    return refuse('MalformedXML', 'Status should be Enabled or Suspended.')
  await house.store.commit({
    _tag: 'BucketChanged',
    bucket: bucket.name,
    versioning: status,
    acl: bucket.acl
  })
  return E.right(empty(200))
}
