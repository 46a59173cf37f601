/** The handler of each operation. */
import type { Handler } from '../http/request.js'
import { fail } from '../http/service-error.js'
import type { OperationName } from '../http/route.js'
import { completeMultipartUpload } from './complete.js'
import { deleteObject } from './delete-object.js'
import { getObject } from './get-object.js'
import { listObjects } from './list-objects.js'
import { listParts } from './list-parts.js'
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart.js'
import { putObject } from './put-object.js'
import { copyObject } from './copy-object.js'
import { deleteObjects } from './delete-objects.js'
import { listMultipartUploads } from './list-multipart-uploads.js'
import { listObjectVersions } from './list-object-versions.js'
import { restoreObject } from './restore-object.js'
import { uploadPartCopy } from './upload-part-copy.js'
import { selectObjectContent } from './select-object-content.js'
import { getBucketAcl, getObjectAcl } from './acl.js'
import { getObjectTagging } from './tagging.js'
import {
  deleteBucket,
  getBucketVersioning,
  headBucket,
  listBuckets,
  putBucket,
  putBucketVersioning
} from './buckets.js'

const notImplemented: Handler = () => async () => fail('NotImplemented')

export const handlers: Readonly<Record<OperationName, Handler>> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipartUpload,
  DeleteBucket: deleteBucket,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetBucketAcl: getBucketAcl,
  GetBucketVersioning: getBucketVersioning,
  GetObject: getObject,
  GetObjectAcl: getObjectAcl,
  GetObjectTagging: getObjectTagging,
  HeadBucket: headBucket,
  HeadObject: getObject,
  ListBuckets: listBuckets,
  ListMultipartUploads: listMultipartUploads,
  ListObjectVersions: listObjectVersions,
  ListObjects: listObjects,
  ListParts: listParts,
  PutBucket: putBucket,
  PutBucketVersioning: putBucketVersioning,
  PutObject: putObject,
  RestoreObject: restoreObject,
  SelectObjectContent: selectObjectContent,
  Unknown: notImplemented,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy
}
