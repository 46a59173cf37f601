/** Options of every download, and the inputs of its HEAD and its range requests. */
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
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
