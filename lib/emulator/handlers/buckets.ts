/** Bucket operations that other tools send before their object requests. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import { type Xml, toFields } from '../../core/xml.js'
import { empty, xml } from '../http/response.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { isoTime, optional, ownerOf } from './shared/listing.js'
import { authorizeBucket, isReachedBy, regionOf } from './shared/objects.js'
import { parseXml, readXmlBody } from '../http/read-body.js'
import { fail } from '../http/service-error.js'
import type { Bucket } from '../store/state.js'

export const headBucket: Handler = (context, request) => async () =>
  pipe(
    authorizeBucket(context, request),
    E.map((bucket) =>
      empty(200, {
        'x-cos-bucket-region': regionOf(context, bucket),
        ...(bucket.az === undefined ? {} : { 'x-cos-bucket-az-type': bucket.az }),
        ...(bucket.arch === undefined ? {} : { 'x-cos-bucket-arch': bucket.arch })
      })
    )
  )

export const getBucketLocation: Handler = (context, request) => async () =>
  pipe(
    authorizeBucket(context, request),
    E.map((bucket) => xml(['LocationConstraint', regionOf(context, bucket)]))
  )

/** Whether a bucket has the tag of `tagkey` and `tagvalue`. */
const hasTag = ({ configurations }: Bucket, key: string, value: string): boolean => {
  const rows = parseXml(Buffer.from(configurations.get('tagging') ?? ''), 'Tagging')
  return (
    E.isRight(rows) &&
    rows.right
      .flatMap(({ children }) => children)
      .map(toFields)
      .some((tag) => tag['Key'] === key && tag['Value'] === value)
  )
}

const maxBuckets = 2000

/** Compares the time of creation with `create-time`, in seconds, as `range` says. */
const isInRange = ({ created }: Bucket, range: string, time: number): boolean => {
  const seconds = Math.floor(created / 1000)
  const comparisons: Readonly<Record<string, boolean>> = {
    ...{ lt: seconds < time, lte: seconds <= time, gt: seconds > time, gte: seconds >= time }
  }
  return comparisons[range] ?? true
}

/** Whether GET Service lists a bucket: its host or its parameter may name a region. */
const isListed = (context: EmulatorContext, { host, query }: RoutedRequest, bucket: Bucket): boolean =>
  query['region'] === undefined ? isReachedBy(bucket, host) : query['region'] === regionOf(context, bucket)

/** GET Service. */
export const listBuckets: Handler = (context, request) => async () => {
  if (request.anonymous) return fail('AccessDenied')
  const { marker = '', tagkey, tagvalue = '', range = '', ...others } = request.query
  const max = Math.min(Number(others['max-keys'] ?? maxBuckets) || maxBuckets, maxBuckets)
  const all = context.store.buckets()
  const found = all.filter(
    (bucket) =>
      bucket.name > marker &&
      isListed(context, request, bucket) &&
      (tagkey === undefined || hasTag(bucket, tagkey, tagvalue)) &&
      isInRange(bucket, range, Number(others['create-time'] ?? 0))
  )
  const page = found.slice(0, max)
  const isTruncated = page.length < found.length
  const rows = page.map((bucket): Xml => [
    'Bucket',
    [
      ['Name', bucket.name],
      ['Location', regionOf(context, bucket)],
      ['CreationDate', isoTime(bucket.created).replace(/\.\d+/, '')],
      ['BucketType', 'cos']
    ]
  ])
  return E.right(
    xml([
      'ListAllMyBucketsResult',
      [
        ownerOf(all[0]?.name ?? '-1250000000'),
        ['Buckets', rows],
        ['Marker', marker],
        ['IsTruncated', String(isTruncated)],
        ...optional(isTruncated, ['NextMarker', page.at(-1)?.name ?? ''])
      ]
    ])
  )
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
