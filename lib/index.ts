/** The public names, and no code. `cospipe/emulator` and `cospipe/testing` are separate entries. */

// -- values: operations, requests, errors --
export * as Op from './core/operation.js'
export type { Decoder, Operation } from './core/operation.js'
export type { Body, BodyInput, Chunks } from './core/body.js'
export type { BucketRef, Method, ObjectRef, Request } from './core/request.js'
export type { Response, SentBody } from './core/response.js'
export type { Endpoint } from './core/address.js'
export { CosException } from './core/error.js'
export { formatError } from './core/format-error.js'
export type {
  Aborted,
  AttemptRecord,
  Context,
  CosError,
  CredentialsError,
  DecodeError,
  EncryptionError,
  FileError,
  InputProblem,
  IntegrityError,
  InvalidInput,
  MissingPackage,
  ObjectChanged,
  ServiceError,
  SizeLimitExceeded,
  SourceError,
  Timeout,
  TransportError
} from './core/error.js'
export type { Integrity } from './core/integrity.js'
export { Crc64 } from './core/crc64.js'
export type { Crc64Hasher, Crc64Run } from './core/crc64.js'

// -- operations on objects --
export { copyObject } from './operations/copy-object.js'
export type { CopyObjectInput, CopyObjectResult, Directive } from './operations/copy-object.js'
export { deleteObject } from './operations/delete-object.js'
export type { DeleteObjectInput, DeleteObjectResult } from './operations/delete-object.js'
export { deleteObjects } from './operations/delete-objects.js'
export type {
  DeletedObject,
  DeleteObjectsInput,
  DeleteObjectsResult,
  DeleteResult,
  DeleteFailure,
  ObjectToDelete
} from './operations/delete-objects.js'
export { getObject } from './operations/get-object.js'
export type { GetObjectInput, GetObjectResult } from './operations/get-object.js'
export { headObject } from './operations/head-object.js'
export type { HeadObjectInput, ObjectHead } from './operations/head-object.js'
export { listObjects } from './operations/list-objects.js'
export type { ListObjectsInput, ObjectEntry, ObjectPage, ObjectPageHead } from './operations/list-objects.js'
export { listObjectVersions } from './operations/list-object-versions.js'
export type {
  DeleteMarker,
  ListObjectVersionsInput,
  ObjectVersion,
  ObjectVersionPage,
  ObjectVersionPageHead,
  VersionEntry
} from './operations/list-object-versions.js'
export { objectExists } from './operations/object-exists.js'
export { putObject } from './operations/put-object.js'
export type { PutObjectInput, PutObjectResult } from './operations/put-object.js'
export { restoreObject } from './operations/restore-object.js'
export type { RestoreObjectInput, RestoreObjectResult, RestoreTier } from './operations/restore-object.js'
export { selectObjectContent } from './operations/select-object-content.js'
export type {
  SelectObjectContentInput,
  SelectObjectContentResult
} from './operations/select-object-content.js'
export type { SelectStats } from './core/event-stream.js'

// -- operations on uploads in parts --
export { abortMultipartUpload } from './operations/abort-multipart-upload.js'
export type {
  AbortMultipartUploadInput,
  AbortMultipartUploadResult
} from './operations/abort-multipart-upload.js'
export { completeMultipartUpload } from './operations/complete-multipart-upload.js'
export type {
  CompletedPart,
  CompleteMultipartUploadInput,
  CompleteMultipartUploadResult
} from './operations/complete-multipart-upload.js'
export { createMultipartUpload } from './operations/create-multipart-upload.js'
export type {
  CreateMultipartUploadInput,
  CreateMultipartUploadResult
} from './operations/create-multipart-upload.js'
export { listMultipartUploads } from './operations/list-multipart-uploads.js'
export type {
  ListMultipartUploadsInput,
  MultipartUploadPage,
  MultipartUploadPageHead,
  UploadEntry
} from './operations/list-multipart-uploads.js'
export { listParts } from './operations/list-parts.js'
export type { ListPartsInput, PartEntry, PartPage, PartPageHead } from './operations/list-parts.js'
export { uploadPart } from './operations/upload-part.js'
export type { UploadPartInput, UploadPartResult } from './operations/upload-part.js'
export { uploadPartCopy } from './operations/upload-part-copy.js'
export type { UploadPartCopyInput, UploadPartCopyResult } from './operations/upload-part-copy.js'

// -- parameters and responses that operations share --
export type { AccessControl, Acl, Grantee, Grants } from './operations/parameters/access.js'
export type { UploadCallback, Callback } from './operations/parameters/callback.js'
export type { Conditions, CopySourceConditions } from './operations/parameters/conditions.js'
export type { WithCopySource, CopySource } from './operations/parameters/copy-source.js'
export type { CustomerKey, ServerSideEncryption } from './operations/parameters/encryption.js'
export type { EntityMetadata } from './operations/parameters/metadata.js'
export type { ClosedRange, Range, ResponseOverrides } from './operations/parameters/range.js'
export type { WithReferer } from './operations/parameters/referer.js'
export type { UploadBody } from './operations/parameters/upload-body.js'
export type {
  CompressionType,
  CsvCharacters,
  CsvInput,
  CsvOutput,
  InputSerialization,
  JsonInput,
  JsonOutput,
  OutputSerialization
} from './operations/parameters/serialisation.js'
export type { TrafficLimit, StorageClass, StorageOptions } from './operations/parameters/storage.js'
export type { PartRef } from './operations/parameters/versions.js'
export type { ResponseMetadata, EncryptionInfo } from './operations/responses/metadata.js'
export type { ContentRange, ContentExtent } from './operations/responses/content-extent.js'
export type { Owner } from './operations/responses/row.js'
export type { ListingCursor } from './operations/responses/listing-cursor.js'
export type { ObjectAttributes, Restore, RestoreStatus } from './operations/responses/object-headers.js'
export type { WriteResult } from './operations/responses/write-result.js'

// -- effects: a client, and what makes calls happen --
export { createClient, defaultTimeouts } from './client/client.js'
export type { Client, ClientConfig, Timeouts } from './client/client.js'
export type { Bandwidth } from './client/rate-limit.js'
export type { Credentials, CredentialsSource } from './client/credentials.js'
export { clientFromEnvironment, credentialsFromEnvironment } from './client/environment.js'
export { systemRuntime } from './core/runtime.js'
export type { Runtime } from './core/runtime.js'
export { defaultRetry } from './client/retry.js'
export { createRetryBudget, unlimitedRetries } from './client/retry-budget.js'
export type { RetryBudget, RetryBudgetOptions } from './client/retry-budget.js'
export type { RetryPolicy } from './client/retry.js'
export { withRetry, withSignal, withTimeout } from './client/combinators.js'
export { run, send } from './client/send.js'
export type { CosEffect } from './client/send.js'
export { createProgress } from './client/create-progress.js'
export { presign } from './client/presign.js'
export type { PresignedRequest } from './client/presign.js'
export type { AttemptEvent, OperationEvent, PartEvent, TransferEvent } from './client/diagnostics.js'

// -- transfers: operations and stages put together --
export { uploadStream } from './transfers/upload/upload-stream.js'
export type { UploadResult, UploadStreamInput } from './transfers/upload/upload-stream.js'
export { uploadFile } from './transfers/upload/upload-file.js'
export type { UploadFileInput } from './transfers/upload/upload-file.js'
export { createUploadStream } from './transfers/upload/create-upload-stream.js'
export type { UploadWritable } from './transfers/upload/create-upload-stream.js'
export type { UploadOptions } from './transfers/upload/options.js'
export type { Resume } from './transfers/multipart/find-resumable.js'
export type { OnProgress, WithProgress } from './transfers/shared/progress.js'
export type { WrittenObject } from './transfers/shared/written-object.js'
export type { OnFailure } from './transfers/multipart/clean-up.js'
export type { OnOrphanedUpload } from './transfers/multipart/create-upload.js'
export { downloadStream } from './transfers/download/download-stream.js'
export type { DownloadResult, DownloadStreamInput } from './transfers/download/download-stream.js'
export { downloadFile } from './transfers/download/download-file.js'
export type { DownloadFileResult, DownloadFileInput } from './transfers/download/download-file.js'
export type { DownloadOptions } from './transfers/download/options.js'
export { toBuffer, toText } from './transfers/download/to-buffer.js'
export type { ReadableResponse } from './transfers/download/to-buffer.js'
export { toFile } from './transfers/download/to-file.js'
export type { SavedFileResult, ToFileOptions, VerifiableBody } from './transfers/download/to-file.js'
export { selectRows } from './transfers/select/select-rows.js'
export type { SelectedRows, SelectRowsOptions } from './transfers/select/select-rows.js'
export { copy } from './transfers/copy/copy.js'
export type { CopyResult, CopyInput } from './transfers/copy/copy.js'
export { move } from './transfers/copy/move.js'
export type { MoveResult, MoveInput } from './transfers/copy/move.js'
export { deleteKeys } from './transfers/delete/delete-keys.js'
export type { DeleteKeysInput, DeleteKeysResult, KeyToDelete } from './transfers/delete/delete-keys.js'
export { deletePrefix } from './transfers/prefix/delete-prefix.js'
export type { DeletePrefixInput } from './transfers/prefix/delete-prefix.js'
export { copyPrefix } from './transfers/prefix/copy-prefix.js'
export type { CopyPrefixInput, CopyPrefixResult } from './transfers/prefix/copy-prefix.js'
export { movePrefix } from './transfers/prefix/move-prefix.js'
export type { MovePrefixInput, MovePrefixResult } from './transfers/prefix/move-prefix.js'
export { abortIncompleteUploads } from './transfers/multipart/abort-incomplete-uploads.js'
export type {
  AbortIncompleteUploadsInput,
  AbortedUpload
} from './transfers/multipart/abort-incomplete-uploads.js'
export { uploadDirectory } from './transfers/directory/upload-directory.js'
export type { UploadDirectoryInput, UploadDirectoryResult } from './transfers/directory/upload-directory.js'
export { downloadDirectory } from './transfers/directory/download-directory.js'
export type {
  DownloadDirectoryInput,
  DownloadDirectoryResult
} from './transfers/directory/download-directory.js'
export type { DirectoryOptions, SkipExisting } from './transfers/directory/options.js'
export type { OnItemError } from './transfers/shared/run-each.js'
export type { GlobFilter } from './transfers/directory/glob-filter.js'
export { streamObjects } from './transfers/list/stream-objects.js'
export type { ListedObject, ListedPrefix, StreamObjectsInput } from './transfers/list/stream-objects.js'
export { streamObjectVersions } from './transfers/list/stream-object-versions.js'
export type { ListedVersion, StreamObjectVersionsInput } from './transfers/list/stream-object-versions.js'
export { streamMultipartUploads } from './transfers/list/stream-multipart-uploads.js'
export type { ListedUpload, StreamMultipartUploadsInput } from './transfers/list/stream-multipart-uploads.js'
export { streamParts } from './transfers/list/stream-parts.js'
export type { StreamPartsInput } from './transfers/list/stream-parts.js'
export { collect } from './transfers/shared/effect-stream.js'
export type { EffectStream } from './transfers/shared/effect-stream.js'

// -- client-side encryption: keys, and the functions that use them --
export { aesKey } from './encryption/aes-key.js'
export type { AesKeyOptions } from './encryption/aes-key.js'
export { rsaKey } from './encryption/rsa-key.js'
export type { RsaKeyInput } from './encryption/rsa-key.js'
export { kmsKey } from './encryption/kms-key.js'
export type { KmsContext, KmsHook, MasterKey } from './encryption/master-key.js'
export { keyring } from './encryption/keyring.js'
export type { Keyring } from './encryption/keyring.js'
export { aesKeyFromFile, rsaKeyFromFiles } from './encryption/key-files.js'
export type { KeyFileOptions, RsaKeyFileOptions, RsaKeyPaths } from './encryption/key-files.js'
export { generateAesKey, generateRsaKeyPair } from './encryption/generate-keys.js'
export type { GenerateRsaOptions } from './encryption/generate-keys.js'
export type { EncryptionFormat } from './encryption/envelope.js'
export type { WriteFormat } from './encryption/object-cipher.js'
export { encrypted } from './transfers/encrypted/encrypted.js'
export type { EncryptionClient } from './transfers/encrypted/encrypted.js'
export type { EncryptedOptions, ReadFormat } from './transfers/encrypted/options.js'
export type { PutEncryptedInput, PutEncryptedResult } from './transfers/encrypted/put-encrypted.js'
export type { DecryptedObject } from './transfers/encrypted/decrypted-object.js'
export type { GetEncryptedInput } from './transfers/encrypted/get-encrypted.js'
export type { EncryptedHead } from './transfers/encrypted/head-encrypted.js'
export type { DecryptionInfo } from './transfers/encrypted/decrypted-content.js'
export type { DecryptedDownload, DecryptedFile } from './transfers/encrypted/download-encrypted.js'
export type { UnsupportedCall, UnsupportedCalls } from './transfers/encrypted/unsupported-calls.js'
export type { RewrapInput, RewrapResult } from './transfers/encrypted/rewrap.js'
export type { EncryptedUpload } from './transfers/encrypted/create-encrypted-upload.js'
export type { UploadEncryptedPartInput } from './transfers/encrypted/upload-encrypted-part.js'
export type { EncryptedUploadResult } from './transfers/encrypted/encryptable-upload.js'
export type { UploadEncryptedStreamInput } from './transfers/encrypted/upload-encrypted-stream.js'
export type {
  EncryptedUploadDirectoryResult,
  UploadEncryptedDirectoryInput
} from './transfers/encrypted/upload-encrypted-directory.js'
export type {
  EncryptedUploadFileResult,
  UploadEncryptedFileInput
} from './transfers/encrypted/upload-encrypted-file.js'

// -- stages: for pipelines of your own --
export { cutParts } from './stages/cut-parts.js'
export type { CutPartsOptions, Part } from './stages/cut-parts.js'
export { hashParts } from './stages/hash-parts.js'
export type { HashedPart, HashPartsOptions } from './stages/hash-parts.js'
export { sendParts } from './stages/send-parts.js'
export type { SendPartsOptions, SentPart, Upload } from './stages/send-parts.js'
export { planRanges } from './stages/plan-ranges.js'
export type { PartRange } from './stages/plan-ranges.js'
export { fetchRanges } from './stages/fetch-ranges.js'
export type { FetchRangesOptions, FetchRange } from './stages/fetch-ranges.js'
export { verifyBytes } from './stages/verify-bytes.js'
export type { ExpectedBytes } from './stages/verify-bytes.js'
export { mapConcurrent } from './stages/map-concurrent.js'
export type { MapConcurrentOptions, Mapper } from './stages/map-concurrent.js'
export type { CancelableIterator } from './stages/cancelable.js'
export { abortable } from './stages/abortable.js'
export { toReadable } from './stages/to-readable.js'
export * as PartSize from './stages/part-size.js'
export { createMemoryBudget } from './stages/memory-budget.js'
export type {
  AheadReservation,
  MemoryBudget,
  MemoryBudgetOptions,
  Reservation,
  ReservationError,
  ReservationTooLarge
} from './stages/memory-budget.js'
export { reportParts, reportBytes } from './stages/progress.js'
export type { Progress, ProgressOptions, ProgressSnapshot, ProgressEvent } from './stages/progress.js'
