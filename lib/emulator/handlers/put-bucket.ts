/** PUT Bucket. Its headers give the ACL and the tags; its body, a multi-AZ bucket or a bucket with metadata acceleration. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Element } from '../../core/element.js'
import { KiB } from '../../core/limits.js'
import { writeXml } from '../../core/xml.js'
import { isBucketName } from '../options.js'
import { readXmlBody } from '../http/read-body.js'
import type { Handler, RoutedRequest } from '../http/request.js'
import { empty } from '../http/response.js'
import { regionOfHost } from '../http/route.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { BucketKind, Event } from '../store/model.js'
import { readCannedAcl, readGrants } from './shared/acl.js'
import { readTags } from './shared/attributes.js'
import { taggingXml } from './tagging.js'

export const bucketAcls = ['private', 'public-read', 'public-read-write', 'authenticated-read'] as const

const maxBucketTags = 50

/** Reads the children of `CreateBucketConfiguration`. */
const readKind = (rows: ReadonlyArray<Element>): E.Either<ServiceError, BucketKind> => {
  let kind: BucketKind = {}
  for (const { name, text } of rows)
    if (name === 'BucketAZConfig' && text.trim() === 'MAZ') kind = { ...kind, az: 'MAZ' }
    else if (name === 'BucketArchConfig' && text.trim() === 'OFS') kind = { ...kind, arch: 'OFS' }
    else
      return fail('NotImplemented', `The emulator does not implement ${name} ${text.trim()} of PUT Bucket.`)
  return E.right(kind)
}

const readBody = async (request: RoutedRequest): Promise<E.Either<ServiceError, BucketKind>> =>
  (request.body.declared ?? 0) === 0 && !request.body.chunked
    ? E.right({})
    : E.chain(readKind)(await readXmlBody(request, 'CreateBucketConfiguration', 64 * KiB))

export const putBucket: Handler = (context, request) => async () => {
  const { bucket, headers } = request
  if (request.anonymous) return fail('AccessDenied')
  const head = pipe(
    E.Do,
    E.apS('acl', readCannedAcl(headers, bucketAcls)),
    E.apS('grants', readGrants(headers)),
    E.apS('tags', readTags(headers['x-cos-tagging'], maxBucketTags))
  )
  if (E.isLeft(head)) return head
  if (!isBucketName(bucket)) return fail('InvalidBucketName')
  const kind = await readBody(request)
  if (E.isLeft(kind)) return kind
  if (context.store.bucket(bucket) !== undefined) return fail('BucketAlreadyOwnedByYou')
  const { acl, grants, tags } = head.right
  const region = regionOfHost(request.host)
  const at = region === undefined ? {} : { region }
  const made = { bucket, versioning: 'Off', acl } as const
  const events: ReadonlyArray<Event> = [
    { _tag: 'BucketMade', ...made, created: context.settings.now(), ...at, ...kind.right },
    ...(Object.keys(grants).length === 0 ? [] : [{ _tag: 'BucketChanged', ...made, grants } as const]),
    ...(tags.length === 0
      ? []
      : [
          { _tag: 'BucketConfigured', bucket, name: 'tagging', document: writeXml(taggingXml(tags)) } as const
        ])
  ]
  await Promise.all(events.map(context.store.commit))
  return E.right(empty(200))
}
