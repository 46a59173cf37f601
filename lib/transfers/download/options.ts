/** What every download takes, and which of it goes to the HEAD that begins it and to the ranges that follow. */
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

/** `trafficLimit` is of each request, so that so many ranges at once may go so many times as fast. */
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

const always = ['headers', 'query', 'sse', 'referer'] as const

/** The conditions decide here, once; from then on it is this object or none. */
export const downloadHeadInput = (options: DownloadOptions): HeadObjectInput => ({
  ...refOf(options),
  ...In.pick(
    ...always,
    'versionId',
    'ifMatch',
    'ifNoneMatch',
    'ifModifiedSince',
    'ifUnmodifiedSince'
  )(options)
})

/** Where the bucket keeps versions, what is written meanwhile does not even disturb. */
export const pinnedGetInput = (
  options: DownloadOptions,
  { etag, versionId }: Pick<ObjectHead, 'etag' | 'versionId'>
): PinnedObject => ({
  ...refOf(options),
  ...In.pick(...always, 'trafficLimit')(options),
  ...In.defined({ versionId: options.versionId ?? O.toUndefined(versionId) }),
  etag
})
