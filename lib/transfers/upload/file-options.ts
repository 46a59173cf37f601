/** The parameters of `uploadFile`. */
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import type { SourceOptions } from '../../files/source-file.js'
import { Resume } from '../multipart/find-resumable.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { uploadOptions, type UploadOptions } from './options.js'

export interface UploadFileInput extends UploadOptions, WithProgress, SourceOptions {
  /** The file's path. */
  readonly file: string
  /** In bytes: a file of up to this size is sent by one PUT. Default: 20 MiB. */
  readonly threshold?: number
  /**
   * Parts in flight, 1 to 1,000. `'auto'`: as many as the service and the link take, at most 64. Default: 5. A part of any
   * size holds about 512 KiB in memory.
   */
  readonly concurrency?: number | 'auto'
  /**
   * Which incomplete upload to resume. An upload of an earlier run on this machine (see `checkpoint`) is resumed at once,
   * any other only if it is abandoned for certain. In each case every part on COS must match this file. Metadata stay as
   * given when that upload was created. Default: `'newest'`.
   */
  readonly resume?: Resume
  /**
   * Directory for the checkpoint of a multipart upload: a file of about 100 bytes with the id of the upload and its owner
   * process. It is removed when the upload is completed or aborted. Default: `cospipe/uploads` in `$XDG_STATE_HOME`,
   * `%LOCALAPPDATA%` or `~/.local/state`; if that is not writable, the upload works without a checkpoint. `false`: no
   * checkpoint.
   */
  readonly checkpoint?: string | false
  /** Sends nothing if the key has an object of the file's size and CRC64. Metadata are not compared. Default: false. */
  readonly skipExisting?: boolean
}

/** For a codec. */
export const UploadFileInput = In.struct<UploadFileInput>('UploadFileInput', {
  ...uploadOptions,
  ...withProgress,
  file: In.path('the path of a file'),
  length: In.optional(In.oneOf('whole', 'now')),
  threshold: In.optional(In.bytes(0)),
  resume: In.optional(Resume),
  checkpoint: In.optional(In.directoryOrFalse),
  skipExisting: In.optional(In.boolean)
})

// The defaults of COS's Python SDK: above the threshold, parts that can be resumed are worth their requests.
export const uploadFileDefaults = { threshold: 20 * MiB, concurrency: 5 }
