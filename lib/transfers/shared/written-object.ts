/** The object that an upload or a copy has written. */
import type * as O from 'fp-ts/lib/Option.js'
import type { Integrity } from '../../core/integrity.js'

export interface WrittenObject {
  readonly bucket: string
  readonly key: string
  /** Opaque, quotes included. Of a multipart upload it is not an MD5, and of a copy in parts it is not that of the source. */
  readonly etag: string
  /** None if the bucket has no versioning. */
  readonly versionId: O.Option<string>
  /** In bytes. */
  readonly size: number
  /** Parts of the object: 1 for a single request. */
  readonly parts: number
  /** Whether it was written in parts. */
  readonly multipart: boolean
  /** Result of comparing the checksum with COS's; of a copy, with the source's. */
  readonly integrity: Integrity
  /**
   * Uploads of this key, without parts, that COS may have created for a request whose response was lost. Usually empty.
   * Another run may have created them, so they are not aborted: `abortIncompleteUploads` removes them.
   */
  readonly orphanedUploads: ReadonlyArray<string>
  readonly requestId: string
}
