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

export type { Answer, EncryptionEcho } from './answers/common.js'
export type { Copied } from './answers/copied.js'
export type { ContentRange, Extent } from './answers/content-range.js'
export type { CommonPrefix, Listed, ListingCursor, ListingEvent } from './answers/listing-events.js'
export type { Owner } from './answers/listing.js'
export type { ObjectAttributes, Restore, RestoreStatus } from './answers/object-headers.js'
export type { Stored } from './answers/stored.js'
export type { AccessControl, Acl, Grantee, Grants } from './parameters/access.js'
export type { Afterwards, Callback } from './parameters/afterwards.js'
export type { Conditions, CopySourceConditions } from './parameters/conditions.js'
export type { Copying, CopySource } from './parameters/copy-source.js'
export type { CustomerKey, ServerSideEncryption } from './parameters/encryption.js'
export type { Encoding, Listing } from './parameters/listing.js'
export type { EntityMetadata } from './parameters/metadata.js'
export type { ClosedRange, Range, ResponseOverrides } from './parameters/reading.js'
export type { Requesting } from './parameters/requesting.js'
export type { Sending } from './parameters/sending.js'
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
export type { Limited, StorageClass, Storing } from './parameters/storing.js'
export type { PartRef } from './parameters/versions.js'
