/** GET Object ACL and GET Bucket ACL: the ACL given at the time of writing. PUT ACL is not implemented. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Xml } from '../../core/xml.js'
import { authorize } from '../http/authorization.js'
import { type EmulatorResponse, xml } from '../http/response.js'
import type { Handler } from '../http/request.js'
import { ownerOf } from './shared/listing.js'
import { bucketOf, objectOf } from './shared/objects.js'

const everyone = 'http://cam.qcloud.com/groups/global/AllUsers'

const permissions: Readonly<Record<string, string>> = {
  'x-cos-grant-read': 'READ',
  'x-cos-grant-write': 'WRITE',
  'x-cos-grant-read-acp': 'READ_ACP',
  'x-cos-grant-write-acp': 'WRITE_ACP',
  'x-cos-grant-full-control': 'FULL_CONTROL'
}

const grant = (grantee: ReadonlyArray<Xml>, permission: string): Xml => [
  'Grant',
  [
    ['Grantee', grantee],
    ['Permission', permission]
  ]
]

/** `id="1",uin="2"` -> one grant for each id. */
const grantsOf = ([header, list]: readonly [string, string]): ReadonlyArray<Xml> =>
  [...list.matchAll(/"([^"]+)"/g)].map(([, id = '']) =>
    grant(
      [
        ['ID', id],
        ['DisplayName', id]
      ],
      permissions[header] ?? ''
    )
  )

const policy = (bucket: string, acl: string, grants: Readonly<Record<string, string>>): EmulatorResponse => {
  const owner = ownerOf(bucket)
  const all: ReadonlyArray<Xml> = [
    grant(typeof owner[1] === 'string' ? [] : owner[1], 'FULL_CONTROL'),
    ...(acl.startsWith('public-read') ? [grant([['URI', everyone]], 'READ')] : []),
    ...(acl === 'public-read-write' ? [grant([['URI', everyone]], 'WRITE')] : []),
    ...Object.entries(grants).flatMap(grantsOf)
  ]
  return xml(['AccessControlPolicy', [owner, ['AccessControlList', all]]], { 'x-cos-acl': acl })
}

export const getBucketAcl: Handler = (context, request) => async () =>
  pipe(
    bucketOf(context, request),
    E.chainFirst((bucket) => authorize(request, bucket)),
    E.map(({ name, acl }) => policy(name, acl, {}))
  )

export const getObjectAcl: Handler = (context, request) => async () =>
  pipe(
    bucketOf(context, request),
    E.chainFirst((bucket) => authorize(request, bucket)),
    E.chain((bucket) => objectOf(bucket, request.key, request.query['versionId'])),
    E.map(({ attributes }) => policy(request.bucket, attributes.acl, attributes.grants))
  )
