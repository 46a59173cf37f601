/** Ids of versions, uploads and parts. */
import * as In from '../../core/input.js'

/** Opaque text for a query. An empty id would turn a request for a part into a request for the object. */
const queryText = (expected: string) =>
  In.guarded(
    expected,
    (u): u is string => typeof u === 'string' && u !== '' && !/\p{Surrogate}|\p{Cc}/u.test(u)
  )

/** `null` is the id of the version written while versioning was off. */
export const VersionId = queryText('a non-empty version id without control characters')

/** `DELETE` with an empty upload id would delete the object. */
export const UploadId = queryText('a non-empty upload id without control characters')

export const PartNumber = In.integer(1, 10_000)

export interface PartRef {
  /** As returned by `createMultipartUpload`. */
  readonly uploadId: string
  /** 1 to 10,000. An upload with the same number replaces the part. */
  readonly partNumber: number
}

/** Fields for an input's codec. */
export const partRef: In.FieldsOf<PartRef> = { uploadId: UploadId, partNumber: PartNumber }
