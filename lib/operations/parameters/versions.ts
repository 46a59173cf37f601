/** What names a version, an upload, or a part of one. */
import * as In from '../../core/input.js'

/** Opaque text that goes into a query: an empty one would turn a request about a part into one about the object. */
const queryText = (expected: string) =>
  In.guarded(
    expected,
    (u): u is string => typeof u === 'string' && u !== '' && !/\p{Surrogate}|\p{Cc}/u.test(u)
  )

/** `null` names what was written while versioning was off. */
export const VersionId = queryText('a version id, not empty')

/** `DELETE` with an empty one would delete the object. */
export const UploadId = queryText('an upload id, not empty')

export const PartNumber = In.integer(1, 10_000)

export interface PartRef {
  /** What `createMultipartUpload` gave. */
  readonly uploadId: string
  /** 1 to 10,000. The same number again replaces the part. */
  readonly partNumber: number
}

/** Fields for an input's codec. */
export const partRef: In.FieldsOf<PartRef> = { uploadId: UploadId, partNumber: PartNumber }
