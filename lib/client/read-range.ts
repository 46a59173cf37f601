/** Reads a range of one object that must not change meanwhile. */
import type { Context } from '../core/error.js'
import { isWeakEtag } from '../core/etag.js'
import type { ByteRange } from '../core/operation.js'
import { getObjectUnhashed, type GetObjectInput, type GetRangeResult } from '../operations/get-object.js'
import type { Client } from './client.js'
import { readRangeWith } from './range-reader.js'
import { send } from './send.js'

/** The object as it was when the download started. */
export interface PinnedObject extends Omit<GetObjectInput, 'range' | 'ifMatch'> {
  readonly etag: string
}

/**
 * Reads a range of an object, and resumes it at the next byte if a body breaks off: see `readRangeWith`.
 *
 * A strong ETag is a condition of each request. A weak ETag never matches, so only the ETag of each response is compared.
 *
 * @errors `CosException` of those of `getObject`, and of `ObjectChanged` if the object was replaced or deleted
 */
export const readRange = (
  client: Client,
  context: Context,
  { etag, ...object }: PinnedObject,
  range: ByteRange,
  onResponse?: (response: GetRangeResult) => void
): AsyncGenerator<Uint8Array, void, undefined> =>
  readRangeWith(
    {
      client,
      context,
      etag,
      open: (etag, range) =>
        getObjectUnhashed({ ...object, ...(isWeakEtag(etag) ? {} : { ifMatch: etag }), range }),
      sendOperation: (operation, client) => send(operation)(client),
      onResponse
    },
    range
  )
