/** Storage class, tags and overwrite protection of an object; rate limit of a request. */
import type * as t from 'io-ts'
import * as In from '../../core/input.js'
import { urlEncode } from '../../core/key.js'
import type { HeaderValues } from './metadata.js'

export type StorageClass =
  | 'STANDARD'
  | 'STANDARD_IA'
  | 'INTELLIGENT_TIERING'
  | 'ARCHIVE'
  | 'DEEP_ARCHIVE'
  | 'MAZ_STANDARD'
  | 'MAZ_STANDARD_IA'
  | 'MAZ_INTELLIGENT_TIERING'
  | 'MAZ_ARCHIVE'
  | 'MAZ_DEEP_ARCHIVE'
  | 'COLD'
  | 'MAZ_COLD'
  | (string & {})

export interface StorageOptions {
  /** Default: `STANDARD`. */
  readonly storageClass?: StorageClass
  /** At most 10 tags. */
  readonly tagging?: Readonly<Record<string, string>>
  /** 409 if the key exists. Works only in buckets that never had versioning. */
  readonly forbidOverwrite?: boolean
}

/** Rate limit of one request, applied by COS: 819,200 to 838,860,800 bit/s. */
export interface TrafficLimit {
  readonly trafficLimit?: number
}

const Tagging: t.Type<Readonly<Record<string, string>>, unknown, unknown> = In.refined(
  In.textByName,
  'at most 10 tags, an object of strings without lone surrogates',
  (tags) =>
    Object.keys(tags).length <= 10 &&
    Object.entries(tags).every(([name, value]) => name !== '' && !/\p{Surrogate}/u.test(name + value))
)

/** Fields for an input's codec. */
export const storageOptions: In.FieldsOf<StorageOptions> = {
  storageClass: In.optional(In.headerValue),
  tagging: In.optional(Tagging),
  forbidOverwrite: In.optional(In.boolean)
}

/** Fields for an input's codec. */
export const trafficLimit: In.FieldsOf<TrafficLimit> = {
  trafficLimit: In.optional(In.integer(819_200, 838_860_800, 'bit/s'))
}

export const storageHeaders = (input: StorageOptions): HeaderValues => ({
  'x-cos-storage-class': input.storageClass,
  'x-cos-tagging':
    input.tagging &&
    Object.entries(input.tagging)
      .map(([name, value]) => `${urlEncode(name)}=${urlEncode(value)}`)
      .join('&'),
  // `false` is COS's default: not sent, and not signed.
  'x-cos-forbid-overwrite': input.forbidOverwrite === true ? true : undefined
})

export const trafficLimitHeaders = (input: TrafficLimit): HeaderValues => ({
  'x-cos-traffic-limit': input.trafficLimit
})
