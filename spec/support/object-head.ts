/** The attributes of an object whose response has only the headers that every object has. */
import * as O from 'fp-ts/lib/Option.js'
import type { ObjectAttributes } from '../../lib/operations/responses/object-headers.js'

export const minimalAttributes: Omit<ObjectAttributes, 'requestId' | 'headers' | 'etag' | 'lastModified'> = {
  contentType: O.none,
  cacheControl: O.none,
  contentDisposition: O.none,
  contentEncoding: O.none,
  contentLanguage: O.none,
  expires: O.none,
  metadata: {},
  crc64: O.none,
  storageClass: 'STANDARD',
  storageTier: O.none,
  objectType: O.none,
  nextAppendPosition: O.none,
  versionId: O.none,
  restore: O.none,
  restoreStatus: O.none,
  taggingCount: O.none,
  replicationStatus: O.none,
  sse: O.none
}
