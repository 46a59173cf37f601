/** What transfers of whole folders take, either way. */
import * as In from '../../core/input.js'
import type { GlobFilter } from './glob-filter.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { OnItemError } from '../shared/run-each.js'

/**
 * What need not be moved, for it is there already: what has the same size and CRC64, which costs a reading of the file;
 * what has the same size and is no older; or nothing.
 */
export type SkipExisting = 'crc64' | 'time' | 'never'

export interface DirectoryOptions extends GlobFilter, WithProgress {
  /** The folder's path. */
  readonly directory: string
  /** What keys begin with, before a file's path below the folder: `site/`, with its slash. Empty unless said. */
  readonly prefix?: string
  /** 5 unless said. */
  readonly concurrency?: number
  /** `crc64` unless said. */
  readonly skip?: SkipExisting
  /** `continue` unless said. */
  readonly onError?: OnItemError
}

export const directoryDefaults = { concurrency: 5, skip: 'crc64', policy: 'continue' } as const

/** Fields for a codec, without those of the filter. */
export const directoryOptions: In.FieldsOf<Omit<DirectoryOptions, keyof GlobFilter>> = {
  ...withProgress,
  directory: In.guarded(
    'the path of a folder',
    (u): u is string => typeof u === 'string' && u !== '' && !u.includes('\0')
  ),
  prefix: In.optional(
    In.guarded(
      'text that keys begin with, without a leading slash and lone surrogates',
      (u): u is string => typeof u === 'string' && !u.startsWith('/') && !/\p{Surrogate}/u.test(u)
    )
  ),
  concurrency: In.optional(In.integer(1, 1000)),
  skip: In.optional(In.oneOf('crc64', 'time', 'never')),
  onError: In.optional(OnItemError)
}
