/** The source of a copy: `x-cos-copy-source`, its conditions and its customer key. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { authorizeRead } from '../../http/authorization.js'
import { checkSourceKey } from './attributes.js'
import type { EmulatorContext, RoutedRequest } from '../../http/request.js'
import { checkConditions } from './conditions.js'
import { bucketOf, checkReadable, versionOf } from './objects.js'
import { rejectSymlink } from './symlink.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import { bucketOfHost, type Hosts } from '../../http/route.js'
import type { StoredObject } from '../../store/model.js'

interface SourceName {
  readonly bucket: string
  readonly host: string
  readonly key: string
  readonly versionId: string | undefined
}

/** `{bucket}.cos.{region}.myqcloud.com/{encoded key}[?versionId={id}]`, or `/{bucket}/{encoded key}`, as S3 tools send. */
const readSourceName = (hosts: Hosts, text: string): E.Either<ServiceError, SourceName> => {
  const [, slash, first, path, query] = /^(\/?)([^/?]+)\/([^?]+)(?:\?(.*))?$/s.exec(text) ?? []
  if (first === undefined || path === undefined || text.includes('://')) return fail('InvalidCopySource')
  const bucket = slash === '/' || hosts.isBucket(first) ? first : bucketOfHost(hosts, first)
  if (bucket === undefined) return fail('InvalidCopySource')
  const version = query?.split('&').find((pair) => pair.startsWith('versionId='))
  return E.tryCatch(
    () => ({
      bucket,
      host: first,
      // The header has one character for each byte; a client may send UTF-8 without percent-encoding.
      key: decodeURIComponent(Buffer.from(path, 'latin1').toString()),
      versionId: version === undefined ? undefined : decodeURIComponent(version.slice('versionId='.length))
    }),
    () => ({
      status: 400,
      code: 'InvalidCopySource',
      message: 'The copy source is not valid percent-encoding.',
      headers: {}
    })
  )
}

export interface Source extends SourceName {
  readonly object: StoredObject
  /** `x-cos-copy-source-version-id`, if the source names a version. */
  readonly headers: Readonly<Record<string, string>>
}

const prefix = 'x-cos-copy-source-'

/** The object to copy, after all checks: existence, ACL, customer key, restore state, conditions. */
export const sourceOf = (context: EmulatorContext, request: RoutedRequest): E.Either<ServiceError, Source> =>
  pipe(
    E.Do,
    E.bind('named', () => readSourceName(context.hosts, request.headers['x-cos-copy-source'] ?? '')),
    E.bind('bucket', ({ named }) => bucketOf(context, named)),
    E.bind('object', ({ named, bucket }) =>
      pipe(
        versionOf(bucket, named.key, named.versionId),
        E.chain((version): E.Either<ServiceError, StoredObject> => {
          if (version._tag === 'Object') return E.right(version)
          return named.versionId === undefined
            ? fail('NoSuchKey')
            : fail('InvalidRequest', 'The source of a copy must not be a delete marker.')
        })
      )
    ),
    E.chainFirst(({ bucket, object }) => authorizeRead(request, bucket, object)),
    E.chainFirst(({ object }) =>
      object.appendable === true
        ? fail('InvalidRequest', 'An appendable object cannot be copied.')
        : E.right(true)
    ),
    E.chainFirst(({ object }) => rejectSymlink(object)),
    E.chainFirst(({ object }) => checkSourceKey(request.headers, object.attributes.encryption)),
    E.chainFirst(({ object }) => checkReadable(object, request.now)),
    E.chainFirst(({ object: { content, modified } }) =>
      // A copy has one status for all failed conditions: 412.
      checkConditions(request.headers, prefix, { etag: content.etag, modified }) === 'Passed'
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

/**
 * Rejects pairs of conditions on the source. COS's page of Upload Part - Copy says of other pairs than If-Match with
 * If-Unmodified-Since and If-None-Match with If-Modified-Since that they "return conflict"; it names no code.
 */
export const checkPairs = ({ headers }: RoutedRequest): E.Either<ServiceError, true> =>
  pairs.some((names) => names.every((name) => headers[`${prefix}${name}`] !== undefined))
    ? fail('Conflict')
    : E.right(true)
