/** Options of every download, and the inputs of its HEAD and its range requests. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import type { InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { validate } from '../../core/operation.js'
import { objectRef, refOf, type ObjectRef } from '../../core/request.js'
import type { PinnedObject } from '../../client/read-range.js'
import type { HeadObjectInput, ObjectHead } from '../../operations/head-object.js'
import { conditions, type Conditions } from '../../operations/parameters/conditions.js'
import { withCustomerKey, type WithCustomerKey } from '../../operations/parameters/encryption.js'
import { withReferer, type WithReferer } from '../../operations/parameters/referer.js'
import { trafficLimit, type TrafficLimit } from '../../operations/parameters/storage.js'
import { VersionId } from '../../operations/parameters/versions.js'

/** `trafficLimit` applies to each request: `n` parallel ranges may use `n` times as much. */
export interface DownloadOptions extends ObjectRef, Conditions, WithCustomerKey, TrafficLimit, WithReferer {
  /** One version instead of the latest. */
  readonly versionId?: string
}

/** Fields for a codec. */
export const downloadOptions: In.FieldsOf<DownloadOptions> = {
  ...objectRef,
  ...conditions,
  ...withCustomerKey,
  ...trafficLimit,
  ...withReferer,
  versionId: In.optional(VersionId)
}

/** Fields of `getObject` and of the Python SDK's `download_file` that no download has, and the reason. */
const absent: ReadonlyMap<string, string> = new Map(
  Object.entries({
    enableCrc: 'is not needed: the CRC64 is always compared, and a file is replaced only after that',
    range:
      'is not supported: a download is the whole object; use getObject with toFile, toBuffer or its body',
    ...Object.fromEntries(
      [
        ...['responseCacheControl', 'responseContentDisposition', 'responseContentEncoding'],
        ...['responseContentLanguage', 'responseContentType', 'responseExpires']
      ].map((field) => [
        field,
        'is not supported: it changes a response header, which a download does not keep; use getObject'
      ])
    )
  })
)

/** Validates the input of a download. A field that other clients have is refused with the reason. */
export const validateDownload =
  <I>(action: string, codec: t.Decoder<unknown, I>) =>
  (input: unknown): E.Either<InvalidInput, I> =>
    pipe(
      validate(action, codec)(input),
      E.mapLeft(({ suggestion, ...problem }): InvalidInput => {
        const reason = problem.problem === 'unknown' ? absent.get(problem.field) : undefined
        return {
          ...problem,
          ...(reason === undefined ? In.defined({ suggestion }) : { message: reason })
        }
      })
    )

const sharedFields = ['headers', 'query', 'sse', 'referer'] as const

/** The conditions are checked once, by the HEAD. All ranges are then requested for the ETag that it returned. */
export const downloadHeadInput = (options: DownloadOptions): HeadObjectInput => ({
  ...refOf(options),
  ...In.pick(
    ...sharedFields,
    'versionId',
    'ifMatch',
    'ifNoneMatch',
    'ifModifiedSince',
    'ifUnmodifiedSince'
  )(options)
})

/** In a bucket with versions, also pins the version: the download succeeds even if the object is replaced meanwhile. */
export const pinnedGetInput = (
  options: DownloadOptions,
  { etag, versionId }: Pick<ObjectHead, 'etag' | 'versionId'>
): PinnedObject => ({
  ...refOf(options),
  ...In.pick(...sharedFields, 'trafficLimit')(options),
  ...In.defined({ versionId: options.versionId ?? O.toUndefined(versionId) }),
  etag
})
