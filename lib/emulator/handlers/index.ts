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
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './acl.js'
import { appendObject } from './append-object.js'
import { deleteDomainCertificate, getDomainCertificate, putDomainCertificate } from './domain-certificate.js'
import { configurationHandlers } from './configurations.js'
import { optionsObject } from './options-object.js'
import { postObject } from './post-object.js'
import { putBucket } from './put-bucket.js'
import { getSymlink, putSymlink } from './symlink.js'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './tagging.js'
import type { ConfigurationOperation } from '../http/configurations.js'
import {
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
  putBucketVersioning
} from './buckets.js'

const notImplemented: Handler = () => async () => fail('NotImplemented')

const handlers: Readonly<Record<Exclude<OperationName, ConfigurationOperation>, Handler>> = {
  AbortMultipartUpload: abortMultipartUpload,
  AppendObject: appendObject,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipartUpload,
  DeleteBucket: deleteBucket,
  DeleteBucketDomainCertificate: deleteDomainCertificate,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  DeleteObjectTagging: deleteObjectTagging,
  GetBucketAcl: getBucketAcl,
  GetBucketDomainCertificate: getDomainCertificate,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  GetObject: getObject,
  GetObjectAcl: getObjectAcl,
  GetObjectTagging: getObjectTagging,
  GetSymlink: getSymlink,
  HeadBucket: headBucket,
  HeadObject: getObject,
  ListBuckets: listBuckets,
  ListMultipartUploads: listMultipartUploads,
  ListObjectVersions: listObjectVersions,
  ListObjects: listObjects,
  ListParts: listParts,
  OptionsObject: optionsObject,
  PostObject: postObject,
  PutBucket: putBucket,
  PutBucketAcl: putBucketAcl,
  PutBucketDomainCertificate: putDomainCertificate,
  PutBucketVersioning: putBucketVersioning,
  PutObject: putObject,
  PutObjectAcl: putObjectAcl,
  PutObjectTagging: putObjectTagging,
  PutSymlink: putSymlink,
  RestoreObject: restoreObject,
  SelectObjectContent: selectObjectContent,
  Unknown: notImplemented,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy
}

const byName: ReadonlyMap<string, Handler> = new Map([...configurationHandlers, ...Object.entries(handlers)])

export const handlerOf = (operation: OperationName): Handler => byName.get(operation) ?? notImplemented
