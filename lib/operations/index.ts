/** All operations, and the groups of parameters and answers that they share. */
export * from './abort-multipart-upload.js'
export * from './complete-multipart-upload.js'
export * from './copy-object.js'
export * from './create-multipart-upload.js'
export * from './delete-object.js'
export * from './delete-objects.js'
export * from './get-object.js'
export * from './head-object.js'
export * from './list-multipart-uploads.js'
export * from './list-object-versions.js'
export * from './list-objects.js'
export * from './list-parts.js'
export * from './object-exists.js'
export * from './put-object.js'
export * from './restore-object.js'
export * from './select-object-content.js'
export * from './upload-part-copy.js'
export * from './upload-part.js'

export type { Answer, EncryptionEcho } from './responses/metadata.js'
export type { Copied } from './responses/copied.js'
export type { ContentRange, Extent } from './responses/content-extent.js'
export type { CommonPrefix, Listed, ListingCursor, ListingEvent } from './responses/listing-events.js'
export type { Owner } from './responses/listing-page.js'
export type { ObjectAttributes, Restore, RestoreStatus } from './responses/object-headers.js'
export type { Stored } from './responses/write-result.js'
export type { AccessControl, Acl, Grantee, Grants } from './parameters/access.js'
export type { Afterwards, Callback } from './parameters/callback.js'
export type { Conditions, CopySourceConditions } from './parameters/conditions.js'
export type { Copying, CopySource } from './parameters/copy-source.js'
export type { CustomerKey, ServerSideEncryption } from './parameters/encryption.js'
export type { Encoding, Listing } from './parameters/listing.js'
export type { EntityMetadata } from './parameters/metadata.js'
export type { ClosedRange, Range, ResponseOverrides } from './parameters/range.js'
export type { Requesting } from './parameters/referer.js'
export type { Sending } from './parameters/upload-body.js'
export type {
  CompressionType,
  CsvCharacters,
  CsvInput,
  CsvOutput,
  InputSerialization,
  JsonInput,
  JsonOutput,
  OutputSerialization
} from './parameters/serialisation.js'
export type { Limited, StorageClass, Storing } from './parameters/storage.js'
export type { PartRef } from './parameters/versions.js'
