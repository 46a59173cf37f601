/** Options that `uploadDirectory` and `downloadDirectory` share. */
import * as In from '../../core/input.js'
import type { GlobFilter } from './glob-filter.js'
import { Concurrency } from '../shared/concurrency.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { OnItemError } from '../shared/run-each.js'

/**
 * When a file or object that exists at the destination is skipped.
 *
 * - `'crc64'`: same size and same CRC64. Reads the local file.
 * - `'time'`: same size, and the destination is not older than the source. Does not read the file.
 * - `'never'`: always transfers.
 */
export type SkipExisting = 'crc64' | 'time' | 'never'

export interface DirectoryOptions extends GlobFilter, WithProgress {
  /** Path of the local directory. */
  readonly directory: string
  /**
   * Folder in the bucket; a key is the prefix plus the path below `directory`. A missing final slash is added: `'photos'`
   * means `'photos/'`, never `photos-old/`. Default: empty, the whole bucket.
   */
  readonly prefix?: string
  /** Files in progress, 1 to 1,000. `'auto'`: as many requests as the service and the link take, at most 64. Default: 5. */
  readonly concurrency?: number | 'auto'
  /** Default: `'crc64'`. */
  readonly skip?: SkipExisting
  /** `'continue'`: a failure is a result. `'stop'`: the stream fails with it. Default: `'continue'`. */
  readonly onError?: OnItemError
  /** Parts or ranges in flight for one large file, 1 to 1,000. Default: 5. */
  readonly partConcurrency?: number | 'auto'
}

export const directoryDefaults = { concurrency: 5, skip: 'crc64', onError: 'continue' } as const

/** The prefix as a folder: a slash is added unless it is empty or ends in one. */
export const folderPrefix = ({ prefix = '' }: Pick<DirectoryOptions, 'prefix'>): string =>
  prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`

/** Fields for a codec, without those of the filter. */
export const directoryOptions: In.FieldsOf<Omit<DirectoryOptions, keyof GlobFilter>> = {
  ...withProgress,
  directory: In.path('the path of a directory'),
  prefix: In.optional(
    In.guarded(
      'text that keys begin with, without a leading slash and lone surrogates',
      (u): u is string => typeof u === 'string' && !u.startsWith('/') && !/\p{Surrogate}/u.test(u)
    )
  ),
  concurrency: In.optional(Concurrency),
  partConcurrency: In.optional(Concurrency),
  skip: In.optional(In.oneOf('crc64', 'time', 'never')),
  onError: In.optional(OnItemError)
}
