/** One copy: its source, its result, and the error of a source that has changed. */
import * as O from 'fp-ts/lib/Option.js'
import type { CosError } from '../../core/error.js'
import type { ObjectHead } from '../../operations/head-object.js'
import type { Transfer } from '../shared/run-transfer.js'
import type { WrittenObject } from '../shared/written-object.js'
import type { CopyInput } from './options.js'

export interface CopyResult extends WrittenObject {
  /** Of the copy, to the second; none for a copy in parts, whose completion has no date. */
  readonly lastModified: O.Option<Date>
  /** URL of the copy as COS wrote it; only for a copy in parts. */
  readonly location: O.Option<string>
  /** Of the copy, unsigned; none if COS did not send it. */
  readonly crc64: O.Option<bigint>
  /** The source when it was copied. */
  readonly source: ObjectHead
  /** Properties of the source that could not be copied: `tags`, if a copy in parts may not read them. */
  readonly notCopied: ReadonlyArray<'tags'>
}

export interface CopyRun extends Transfer<CopyInput> {
  readonly source: ObjectHead
}

const missing = new Set(['NoSuchKey', 'NoSuchVersion', 'NoSuchCopySource'])

/** The HEAD has just found the source with this ETag. */
export const toObjectChanged =
  ({ etag }: ObjectHead) =>
  (error: CosError): CosError =>
    error._tag === 'ServiceError' && (error.status === 412 || missing.has(error.code))
      ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
      : error
