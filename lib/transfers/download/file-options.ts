/** The parameters of `downloadFile`. */
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import { FilePath } from '../../files/download-lock.js'
import { Concurrency } from '../shared/concurrency.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { downloadOptions, type DownloadOptions } from './options.js'

export const downloadFileDefaults = { threshold: 20 * MiB, partSize: 20 * MiB, concurrency: 5 }

export interface DownloadFileInput extends DownloadOptions, WithProgress {
  /**
   * Path of the file; its directory must exist. An existing file is replaced after the new bytes have been verified. A
   * symbolic link is replaced, not followed.
   */
  readonly file: string
  /** Bytes: an object up to this size is fetched by one GET, which cannot be resumed. Default: 20 MiB. */
  readonly threshold?: number
  /** Bytes of one range. Doubles until 10,000 ranges suffice. Default: 20 MiB. */
  readonly partSize?: number
  /** Ranges fetched at once, 1 to 1,000. `'auto'`: as many as the service and the link take, at most 64. Default: 5. */
  readonly concurrency?: number | 'auto'
  /**
   * An existing directory for the journal of fetched ranges. `false`: no journal and no resuming. Default: beside the partial
   * file.
   */
  readonly checkpoint?: string | false
  /**
   * Keeps or removes the partial file after a failure. A partial file that cannot be resumed, as of an object that has changed,
   * is always removed. Default: `'keep'`.
   */
  readonly onFailure?: 'keep' | 'discard'
  /**
   * Flushes the bytes to the disk before the file is replaced, so that a power failure cannot damage a file; those of complete
   * ranges while others are fetched. `false` is faster for thousands of small files. Default: true.
   */
  readonly durable?: boolean
}

/** For a codec. */
export const DownloadFileInput = In.struct<DownloadFileInput>('DownloadFileInput', {
  ...downloadOptions,
  ...withProgress,
  file: FilePath,
  threshold: In.optional(In.bytes(0)),
  partSize: In.optional(In.bytes(1)),
  concurrency: In.optional(Concurrency),
  checkpoint: In.optional(In.directoryOrFalse),
  onFailure: In.optional(In.oneOf('keep', 'discard')),
  durable: In.optional(In.boolean)
})

const maxRanges = 10_000

/** Whether one request fetches the object. */
export const isSmall = (
  { threshold = downloadFileDefaults.threshold }: DownloadFileInput,
  { size }: { readonly size: number }
): boolean => size <= threshold

/** Bytes of one range of an object of `size` bytes. */
export const rangeSize = (input: DownloadFileInput, size: number): number => {
  if (isSmall(input, { size })) return Math.max(1, size)
  let partSize = input.partSize ?? downloadFileDefaults.partSize
  while (partSize * maxRanges < size) partSize *= 2
  return partSize
}
