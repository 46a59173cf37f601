/** The front door: what is public, and nothing else. `cospipe/emulator` is the other door. */

// -- values: a call, what it asks, what can become of it --
export * as Op from './core/operation.js'
export type { Decoder, Operation } from './core/operation.js'
export type { Body, BodyInput, BucketRef, Chunks, Method, ObjectRef, Request } from './core/request.js'
export type { Response, Sent } from './core/response.js'
export type { Place } from './core/address.js'
export { CosFailure, describe } from './core/error.js'
export type {
  Aborted,
  Context,
  CosError,
  CredentialsError,
  DecodeError,
  FileError,
  IntegrityError,
  InvalidInput,
  MissingPackage,
  ObjectChanged,
  ServiceError,
  SourceError,
  Timeout,
  TransportError
} from './core/error.js'
export type { Integrity } from './core/integrity.js'
export { combine as combineCrc64, combineAll as combineAllCrc64, crc64, crc64Hasher } from './core/crc64.js'
export type { Crc64Hasher, Run } from './core/crc64.js'

// -- operations on objects --
export { copyObject } from './operations/copy-object.js'
export type { CopyObjectInput, CopyObjectResult, Directive } from './operations/copy-object.js'
export { deleteObject } from './operations/delete-object.js'
export type { DeleteObjectInput, DeleteObjectResult } from './operations/delete-object.js'
export { deleteObjects } from './operations/delete-objects.js'
export type {
  Deleted,
  DeleteObjectsInput,
  DeleteObjectsResult,
  DeleteResult,
  NotDeleted,
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

// -- parameters and answers that operations share --
export type { AccessControl, Acl, Grantee, Grants } from './operations/parameters/access.js'
export type { Afterwards, Callback } from './operations/parameters/afterwards.js'
export type { Conditions, CopySourceConditions } from './operations/parameters/conditions.js'
export type { Copying, CopySource } from './operations/parameters/copy-source.js'
export type { CustomerKey, ServerSideEncryption } from './operations/parameters/encryption.js'
export type { EntityMetadata } from './operations/parameters/metadata.js'
export type { ClosedRange, Range, ResponseOverrides } from './operations/parameters/reading.js'
export type { Requesting } from './operations/parameters/requesting.js'
export type { Sending } from './operations/parameters/sending.js'
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
export type { Limited, StorageClass, Storing } from './operations/parameters/storing.js'
export type { PartRef } from './operations/parameters/versions.js'
export type { Answer, EncryptionEcho } from './operations/answers/common.js'
export type { ContentRange, Extent } from './operations/answers/content-range.js'
export type { Owner } from './operations/answers/listing.js'
export type { ListingCursor } from './operations/answers/listing-events.js'
export type { ObjectAttributes, Restore, RestoreStatus } from './operations/answers/object-headers.js'
export type { Stored } from './operations/answers/stored.js'

// -- effects: a client, and what makes calls happen --
export { createClient, defaultTimeouts } from './effects/client.js'
export type { Client, ClientConfig, Timeouts } from './effects/client.js'
export type { Bandwidth } from './effects/bandwidth.js'
export type { Credentials, CredentialsSource } from './effects/credentials.js'
export { clientFromEnvironment, credentialsFromEnvironment } from './effects/environment.js'
export { defaultRetry } from './effects/retry.js'
export type { RetryPolicy } from './effects/retry.js'
export { run, send, withRetry, withSignal, withTimeout } from './effects/send.js'
export type { Effect } from './effects/send.js'
export { startMeter } from './effects/meter.js'
export { presign } from './effects/presign.js'
export type { Presigned } from './effects/presign.js'
export type { AttemptEvent, OperationEvent, PartEvent, TransferEvent } from './effects/diagnostics.js'

// -- transfers: operations and stages put together --
export { uploadStream } from './transfers/upload-stream.js'
export type { Uploaded, UploadStreamInput } from './transfers/upload-stream.js'
export { uploadFile } from './transfers/upload-file.js'
export type { UploadFileInput } from './transfers/upload-file.js'
export { createUploadStream } from './transfers/create-upload-stream.js'
export type { UploadWritable } from './transfers/create-upload-stream.js'
export type { UploadOptions } from './transfers/upload-options.js'
export type { Resume } from './transfers/resume.js'
export type { Metering } from './transfers/metering.js'
export type { OnFailure } from './transfers/multipart.js'
export { downloadStream } from './transfers/download-stream.js'
export type { Downloaded, DownloadStreamInput } from './transfers/download-stream.js'
export { downloadFile } from './transfers/download-file.js'
export type { DownloadedFile, DownloadFileInput } from './transfers/download-file.js'
export type { DownloadOptions } from './transfers/download-options.js'
export { toBuffer, toText } from './transfers/to-buffer.js'
export type { Answered } from './transfers/to-buffer.js'
export { toFile } from './transfers/to-file.js'
export type { SavedFile, ToFileOptions, Verifiable } from './transfers/to-file.js'
export { selectRows } from './transfers/select-rows.js'
export type { SelectedRows, SelectRowsOptions } from './transfers/select-rows.js'
export { copy } from './transfers/copy.js'
export type { Copied, CopyInput } from './transfers/copy.js'
export { move } from './transfers/move.js'
export type { Moved, MoveInput } from './transfers/move.js'
export { deleting } from './transfers/deleting.js'
export type { DeletingInput, DeletingResult, ToDelete } from './transfers/deleting.js'
export { deletePrefix } from './transfers/delete-prefix.js'
export type { DeletePrefixInput } from './transfers/delete-prefix.js'
export { copyPrefix } from './transfers/copy-prefix.js'
export type { CopyPrefixInput, CopyPrefixResult } from './transfers/copy-prefix.js'
export { movePrefix } from './transfers/move-prefix.js'
export type { MovePrefixInput, MovePrefixResult } from './transfers/move-prefix.js'
export { sweepUploads } from './transfers/sweep-uploads.js'
export type { SweepUploadsInput, SweptUpload } from './transfers/sweep-uploads.js'
export { uploadDirectory } from './transfers/upload-directory.js'
export type { UploadDirectoryInput, UploadedEntry } from './transfers/upload-directory.js'
export { downloadDirectory } from './transfers/download-directory.js'
export type { DownloadDirectoryInput, DownloadedEntry } from './transfers/download-directory.js'
export type { DirectoryOptions, Skip } from './transfers/directory-options.js'
export type { Policy } from './transfers/working.js'
export type { Filter } from './transfers/filter.js'
export { streamObjects } from './transfers/stream-objects.js'
export type { ListedObject, ListedPrefix, StreamObjectsInput } from './transfers/stream-objects.js'
export { streamObjectVersions } from './transfers/stream-object-versions.js'
export type { ListedVersion, StreamObjectVersionsInput } from './transfers/stream-object-versions.js'
export { streamMultipartUploads } from './transfers/stream-multipart-uploads.js'
export type { ListedUpload, StreamMultipartUploadsInput } from './transfers/stream-multipart-uploads.js'
export { streamParts } from './transfers/stream-parts.js'
export type { StreamPartsInput } from './transfers/stream-parts.js'
export { collect } from './transfers/streaming.js'
export type { Streaming } from './transfers/streaming.js'

// -- stages: for pipelines of your own --
export { cutting } from './stages/cut-parts.js'
export type { CuttingOptions, Part } from './stages/cut-parts.js'
export { hashing } from './stages/hash-parts.js'
export type { HashedPart, HashingOptions } from './stages/hash-parts.js'
export { sending } from './stages/send-parts.js'
export type { SendingOptions, SentPart, Upload } from './stages/send-parts.js'
export { planRanges } from './stages/plan-ranges.js'
export type { Range as PlannedRange } from './stages/plan-ranges.js'
export { fetching } from './stages/fetch-ranges.js'
export type { FetchingOptions, FetchRange } from './stages/fetch-ranges.js'
export { verifying } from './stages/verify-bytes.js'
export type { Expected } from './stages/verify-bytes.js'
export { inParallel } from './stages/in-parallel.js'
export type { InParallelOptions, Work } from './stages/in-parallel.js'
export type { Leavable } from './stages/leaving.js'
export { heeding } from './stages/heeding.js'
export { asReadable } from './stages/as-readable.js'
export * as PartSize from './stages/part-size.js'
export { createBudget } from './stages/memory.js'
export type { Budget, BudgetOptions, Lease, NoLease } from './stages/memory.js'
export { createMeter, metered, meteredBytes } from './stages/progress.js'
export type { Meter, MeterOptions, Progress, ProgressEvent } from './stages/progress.js'
