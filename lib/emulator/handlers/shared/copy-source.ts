/** Where a copy comes from: `x-cos-copy-source` and the headers beside it. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { authorizeRead } from '../../http/authorization.js'
import { checkSourceKey } from './attributes.js'
import type { EmulatorContext, RoutedRequest } from '../../http/request.js'
import { checkConditions } from './conditions.js'
import { bucketOf, checkReadable, versionOf } from './objects.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import { bucketOfHost, type Hosts } from '../../http/route.js'
import type { StoredObject } from '../../store/model.js'

interface Named {
  readonly bucket: string
  readonly key: string
  readonly versionId: string | undefined
}

/** `{bucket}.cos.{region}.myqcloud.com/{encoded key}[?versionId={id}]`, or `/{bucket}/{encoded key}`, as some send it. */
const readSource = (hosts: Hosts, text: string): E.Either<ServiceError, Named> => {
  const [, slash, first, path, query] = /^(\/?)([^/?]+)\/([^?]+)(?:\?(.*))?$/s.exec(text) ?? []
  if (first === undefined || path === undefined || text.includes('://')) return fail('InvalidCopySource')
  const bucket = slash === '/' || hosts.isBucket(first) ? first : bucketOfHost(hosts, first)
  if (bucket === undefined) return fail('InvalidCopySource')
  const version = query?.split('&').find((pair) => pair.startsWith('versionId='))
  return E.tryCatch(
    () => ({
      bucket,
      key: decodeURIComponent(path),
      versionId: version === undefined ? undefined : decodeURIComponent(version.slice('versionId='.length))
    }),
    () => ({
      status: 400,
      code: 'InvalidCopySource',
      message: 'The copy source does not decode.',
      headers: {}
    })
  )
}

export interface Source extends Named {
  readonly object: StoredObject
  /** `x-cos-copy-source-version-id`, where a version was named. */
  readonly headers: Readonly<Record<string, string>>
}

const prefix = 'x-cos-copy-source-'

/** The object to copy, once everything that could forbid it has been looked at. */
export const sourceOf = (house: EmulatorContext, call: RoutedRequest): E.Either<ServiceError, Source> =>
  pipe(
    E.Do,
    E.bind('named', () => readSource(house.hosts, call.headers['x-cos-copy-source'] ?? '')),
    E.bind('bucket', ({ named }) => bucketOf(house, named)),
    E.bind('object', ({ named, bucket }) =>
      pipe(
        versionOf(bucket, named.key, named.versionId),
        E.chain((version): E.Either<ServiceError, StoredObject> => {
          if (version._tag === 'Object') return E.right(version)
          return named.versionId === undefined
            ? fail('NoSuchKey')
            : fail('InvalidRequest', 'The source of a copy can not be a delete marker.')
        })
      )
    ),
    E.chainFirst(({ bucket, object }) => authorizeRead(call, bucket, object)),
    E.chainFirst(({ object }) => checkSourceKey(call.headers, object.attributes.encryption)),
    E.chainFirst(({ object }) => checkReadable(object, call.now)),
    E.chainFirst(({ object: { content, modified } }) =>
      // Of a copy each failure is one and the same.
      checkConditions(call.headers, prefix, { etag: content.etag, modified }) === 'Go'
        ? E.right(true)
        : fail('PreconditionFailed')
    ),
    E.map(({ named, object }) => ({
      ...named,
      object,
      headers: named.versionId === undefined ? {} : { [`${prefix}version-id`]: object.id }
    }))
  )

const pairs = [
  ['if-match', 'if-none-match'],
  ['if-match', 'if-modified-since'],
  ['if-unmodified-since', 'if-none-match'],
  ['if-unmodified-since', 'if-modified-since']
] as const

/** A part copy takes a condition for what should be, or one for what should not; never both. */
export const checkPairs = ({ headers }: RoutedRequest): E.Either<ServiceError, true> =>
  pairs.some((names) => names.every((name) => headers[`${prefix}${name}`] !== undefined))
    ? fail('InvalidArgument', 'These conditions on the source do not go together.')
    : E.right(true)
