/** Which handler does what. */
import type { Handler } from '../call.js'
import { refuse } from '../refusal.js'
import type { OperationName } from '../route.js'
import { completeMultipartUpload } from './complete.js'
import { deleteObject } from './delete-object.js'
import { getObject } from './get-object.js'
import { listObjects } from './list-objects.js'
import { listParts } from './list-parts.js'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart.js'
import { putObject } from './put-object.js'

const notImplemented: Handler = () => async () => refuse('NotImplemented')

export const handlers: Readonly<Record<OperationName, Handler>> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: notImplemented,
  CreateMultipartUpload: createMultipartUpload,
  DeleteBucket: notImplemented,
  DeleteObject: deleteObject,
  DeleteObjects: notImplemented,
  GetBucketAcl: notImplemented,
  GetBucketVersioning: notImplemented,
  GetObject: getObject,
  GetObjectAcl: notImplemented,
  HeadBucket: notImplemented,
  HeadObject: getObject,
  ListBuckets: notImplemented,
  ListMultipartUploads: notImplemented,
  ListObjectVersions: notImplemented,
  ListObjects: listObjects,
  ListParts: listParts,
  PutBucket: notImplemented,
  PutBucketVersioning: notImplemented,
  PutObject: putObject,
  RestoreObject: notImplemented,
  SelectObjectContent: notImplemented,
  Unknown: notImplemented,
  UploadPart: uploadPart,
  UploadPartCopy: notImplemented
}
