/** The same requests by the official SDK and by cospipe: with required parameters, and with all that the SDK has. */
import { createHash } from 'node:crypto'
import type COS from 'cos-nodejs-sdk-v5'
import type { Operation } from '../../../lib/core/operation.js'
import * as Ops from '../../../lib/index.js'

export interface Call {
  readonly name: string
  readonly ours: Operation<unknown>
  readonly theirs: (sdk: COS) => unknown
}

const bucket = 'examplebucket-1250000000'
const region = 'ap-guangzhou'
const key = "dir/a b+c%~!'()*&=?#\u817e\u{1F600}.txt"
const at = { bucket, key }
const At = { Bucket: bucket, Region: region, Key: key }
const InBucket = { Bucket: bucket, Region: region }
const uploadId = 'upload/id+1'
const versionId = 'MTg0NDUxMzY1MDIz'
const source = { bucket: 'source-1250000000', region, key: 'a b/\u817e' }
const Source = `source-1250000000.cos.${region}.myqcloud.com/${encodeURIComponent('a b')}/${encodeURIComponent('\u817e')}`
const [past, PAST] = [new Date('2024-05-01T08:31:00Z'), 'Wed, 01 May 2024 08:31:00 GMT']

const customerKey = Buffer.from('0123456789abcdef0123456789abcdef')
const sse = { type: 'C', key: customerKey } as const
const SSE = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: customerKey.toString('base64'),
  SSECustomerKeyMD5: createHash('md5').update(customerKey).digest('base64')
}

const conditions = { ifMatch: '"a"', ifNoneMatch: '"b"', ifModifiedSince: past, ifUnmodifiedSince: past }
const Conditions = { IfMatch: '"a"', IfNoneMatch: '"b"', IfModifiedSince: PAST, IfUnmodifiedSince: PAST }
const copyConditions = {
  copySourceIfMatch: '"a"',
  copySourceIfNoneMatch: '"b"',
  copySourceIfModifiedSince: past,
  copySourceIfUnmodifiedSince: past
}
const CopyConditions = {
  CopySourceIfMatch: '"a"',
  CopySourceIfNoneMatch: '"b"',
  CopySourceIfModifiedSince: PAST,
  CopySourceIfUnmodifiedSince: PAST
}

const entity = {
  cacheControl: 'no-cache',
  contentDisposition: 'attachment',
  contentEncoding: 'gzip',
  contentType: 'text/plain',
  expires: past,
  metadata: { colour: 'red' }
}
const Entity = {
  CacheControl: 'no-cache',
  ContentDisposition: 'attachment',
  ContentEncoding: 'gzip',
  ContentType: 'text/plain',
  Expires: PAST,
  'x-cos-meta-colour': 'red'
}
const access = {
  acl: 'private',
  grantRead: [{ id: '100000000001' }],
  grantReadAcp: [{ id: '100000000001' }],
  grantWriteAcp: [{ id: '100000000001' }],
  grantFullControl: [{ id: '100000000001' }, { id: '100000000002' }]
}
const Access = {
  ACL: 'private' as const,
  GrantRead: 'id="100000000001"',
  GrantReadAcp: 'id="100000000001"',
  GrantWriteAcp: 'id="100000000001"',
  GrantFullControl: 'id="100000000001",id="100000000002"'
}
const kms = { type: 'KMS', keyId: 'k-1', context: { a: '1' } } as const
const Kms = {
  ServerSideEncryption: 'cos/kms',
  SSEKMSKeyId: 'k-1',
  SSEContext: Buffer.from('{"a":"1"}').toString('base64')
}
const storing = { storageClass: 'STANDARD_IA', tagging: { a: '1', 'b c': '\u817e' } }
const StorageFields = {
  StorageClass: 'STANDARD_IA' as const,
  'x-cos-tagging': 'a=1&b%20c=%E8%85%BE'
}
const limit = { trafficLimit: 819_200 }
const Limit = { TrafficLimit: 819_200 }
const MD5 = 'XUFAKrxLKna5cZ2REBfFkg=='

const csv = {
  fileHeaderInfo: 'USE',
  recordDelimiter: '\n',
  fieldDelimiter: ';',
  quoteCharacter: "'",
  quoteEscapeCharacter: "'",
  comments: '#',
  allowQuotedRecordDelimiter: true
} as const
const expression = "SELECT s._1 FROM COSObject s WHERE s._2 < '<&>'"
const SelectCsv = {
  FileHeaderInfo: 'USE',
  RecordDelimiter: '\n',
  FieldDelimiter: ';',
  QuoteCharacter: "'",
  QuoteEscapeCharacter: "'",
  Comments: '#',
  AllowQuotedRecordDelimiter: 'TRUE'
}

/** Parameters that the SDK sends, though its declarations do not name them. */
const more = <A extends object>(params: A, undeclared: object): A => ({ ...params, ...undeclared })

export const calls: ReadonlyArray<Call> = [
  { name: 'ListObjects', ours: Ops.listObjects({ bucket }), theirs: (sdk) => sdk.getBucket(InBucket) },
  {
    name: 'ListObjects, all',
    ours: Ops.listObjects({
      bucket,
      prefix: 'a b/',
      delimiter: '/',
      marker: 'a b/\u817e',
      maxKeys: 7,
      encodingType: 'url'
    }),
    theirs: (sdk) =>
      sdk.getBucket({
        ...InBucket,
        Prefix: 'a b/',
        Delimiter: '/',
        Marker: 'a b/\u817e',
        MaxKeys: 7,
        EncodingType: 'url'
      })
  },
  {
    name: 'ListObjectVersions',
    ours: Ops.listObjectVersions({ bucket }),
    theirs: (sdk) => sdk.listObjectVersions(InBucket)
  },
  {
    name: 'ListObjectVersions, all',
    ours: Ops.listObjectVersions({
      bucket,
      prefix: 'a',
      delimiter: '/',
      keyMarker: 'a b',
      versionIdMarker: 'v',
      maxKeys: 7,
      encodingType: 'url'
    }),
    theirs: (sdk) =>
      sdk.listObjectVersions(
        more(InBucket, {
          Prefix: 'a',
          Delimiter: '/',
          KeyMarker: 'a b',
          VersionIdMarker: 'v',
          MaxKeys: '7',
          EncodingType: 'url'
        })
      )
  },
  {
    name: 'PutObject',
    ours: Ops.putObject({ ...at, body: 'hello' }),
    theirs: (sdk) => sdk.putObject({ ...At, Body: 'hello' })
  },
  {
    name: 'PutObject, all',
    ours: Ops.putObject({
      ...at,
      body: 'hello',
      contentMd5: MD5,
      ...entity,
      ...access,
      ...storing,
      ...limit,
      sse: kms,
      picOperations: '{"is_pic_info":1}'
    }),
    theirs: (sdk) =>
      sdk.putObject(
        more(
          { ...At, Body: 'hello' },
          {
            ContentMD5: MD5,
            ContentLength: 5,
            ...Entity,
            ...Access,
            ...StorageFields,
            ...Limit,
            ...Kms,
            PicOperations: '{"is_pic_info":1}'
          }
        )
      )
  },
  { name: 'HeadObject', ours: Ops.headObject(at), theirs: (sdk) => sdk.headObject(At) },
  {
    name: 'HeadObject, all',
    ours: Ops.headObject({ ...at, versionId, ...conditions, sse }),
    theirs: (sdk) => sdk.headObject(more({ ...At, VersionId: versionId }, { ...Conditions, ...SSE }))
  },
  { name: 'GetObject', ours: Ops.getObject(at), theirs: (sdk) => sdk.getObject(At) },
  {
    name: 'GetObject, all',
    ours: Ops.getObject({
      ...at,
      versionId,
      range: { first: 2, last: 5 },
      ...conditions,
      sse,
      ...limit,
      responseCacheControl: 'no-cache',
      responseContentDisposition: 'a; b="c d"',
      responseContentEncoding: 'gzip',
      responseContentLanguage: 'en',
      responseContentType: 'text/plain; x=+',
      responseExpires: past
    }),
    theirs: (sdk) =>
      sdk.getObject(
        more(
          {
            ...At,
            VersionId: versionId,
            Range: 'bytes=2-5',
            ...Conditions,
            ResponseCacheControl: 'no-cache',
            ResponseContentDisposition: 'a; b="c d"',
            ResponseContentEncoding: 'gzip',
            ResponseContentLanguage: 'en',
            ResponseContentType: 'text/plain; x=+',
            ResponseExpires: PAST
          },
          { ...SSE, ...Limit }
        )
      )
  },
  {
    name: 'CopyObject',
    ours: Ops.copyObject({ ...at, copySource: source }),
    theirs: (sdk) => sdk.putObjectCopy({ ...At, CopySource: Source })
  },
  {
    name: 'CopyObject, all',
    ours: Ops.copyObject({
      ...at,
      copySource: { ...source, versionId },
      copyStatus: 'Replaced',
      taggingDirective: 'Replaced',
      ...copyConditions,
      ...entity,
      ...access,
      ...storing,
      sse: { type: 'COS' },
      copySourceSse: sse
    }),
    theirs: (sdk) =>
      sdk.putObjectCopy(
        more(
          { ...At, CopySource: `${Source}?versionId=${versionId}` },
          {
            MetadataDirective: 'Replaced',
            'x-cos-tagging-directive': 'Replaced',
            ...CopyConditions,
            ...Entity,
            ...Access,
            ...StorageFields,
            ServerSideEncryption: 'AES256',
            'x-cos-copy-source-server-side-encryption-customer-algorithm': 'AES256',
            'x-cos-copy-source-server-side-encryption-customer-key': SSE.SSECustomerKey,
            'x-cos-copy-source-server-side-encryption-customer-key-MD5': SSE.SSECustomerKeyMD5
          }
        )
      )
  },
  { name: 'DeleteObject', ours: Ops.deleteObject(at), theirs: (sdk) => sdk.deleteObject(At) },
  {
    name: 'DeleteObject, all',
    ours: Ops.deleteObject({ ...at, versionId }),
    theirs: (sdk) => sdk.deleteObject(more(At, { VersionId: versionId }))
  },
  {
    name: 'DeleteObjects',
    ours: Ops.deleteObjects({ bucket, objects: [{ key: 'a' }] }),
    theirs: (sdk) => sdk.deleteMultipleObject({ ...InBucket, Objects: [{ Key: 'a' }] })
  },
  {
    name: 'DeleteObjects, all',
    ours: Ops.deleteObjects({ bucket, objects: [{ key: 'a<b>&"c', versionId }, { key }], quiet: true }),
    theirs: (sdk) =>
      sdk.deleteMultipleObject({
        ...InBucket,
        Objects: [{ Key: 'a<b>&"c', VersionId: versionId }, { Key: key }],
        Quiet: true
      })
  },
  {
    name: 'RestoreObject',
    ours: Ops.restoreObject({ ...at, days: 3 }),
    theirs: (sdk) =>
      sdk.restoreObject({ ...At, RestoreRequest: { Days: 3, CASJobParameters: { Tier: 'Standard' } } })
  },
  {
    name: 'RestoreObject, all',
    ours: Ops.restoreObject({ ...at, days: 3, tier: 'Bulk', versionId }),
    theirs: (sdk) =>
      sdk.restoreObject({
        ...At,
        VersionId: versionId,
        RestoreRequest: { Days: 3, CASJobParameters: { Tier: 'Bulk' } }
      })
  },
  {
    name: 'SelectObjectContent',
    ours: Ops.selectObjectContent({
      ...at,
      expression,
      inputSerialization: { json: { type: 'LINES' } },
      outputSerialization: { json: {} }
    }),
    theirs: (sdk) =>
      sdk.selectObjectContent(
        more(
          { ...At, SelectType: 2 },
          {
            SelectRequest: {
              Expression: expression,
              ExpressionType: 'SQL',
              InputSerialization: { JSON: { Type: 'LINES' } },
              OutputSerialization: { JSON: {} }
            }
          }
        ) as never
      )
  },
  {
    name: 'SelectObjectContent, all',
    ours: Ops.selectObjectContent({
      ...at,
      expression,
      expressionType: 'SQL',
      inputSerialization: { csv, compressionType: 'GZIP' },
      outputSerialization: {
        csv: {
          quoteFields: 'ALWAYS',
          recordDelimiter: '\n',
          fieldDelimiter: ',',
          quoteCharacter: '"',
          quoteEscapeCharacter: '"'
        }
      },
      requestProgress: { enabled: true }
    }),
    theirs: (sdk) =>
      sdk.selectObjectContent(
        more(
          { ...At, SelectType: 2 },
          {
            SelectRequest: {
              Expression: expression,
              ExpressionType: 'SQL',
              InputSerialization: { CompressionType: 'GZIP', CSV: SelectCsv },
              OutputSerialization: {
                CSV: {
                  QuoteFields: 'ALWAYS',
                  RecordDelimiter: '\n',
                  FieldDelimiter: ',',
                  QuoteCharacter: '"',
                  QuoteEscapeCharacter: '"'
                }
              },
              RequestProgress: { Enabled: 'TRUE' }
            }
          }
        ) as never
      )
  },
  {
    name: 'ListMultipartUploads',
    ours: Ops.listMultipartUploads({ bucket }),
    theirs: (sdk) => sdk.multipartList(InBucket as never)
  },
  {
    name: 'ListMultipartUploads, all',
    ours: Ops.listMultipartUploads({
      bucket,
      prefix: 'a',
      delimiter: '/',
      keyMarker: 'a b',
      uploadIdMarker: uploadId,
      maxUploads: 7,
      encodingType: 'url'
    }),
    theirs: (sdk) =>
      sdk.multipartList({
        ...InBucket,
        Prefix: 'a',
        Delimiter: '/',
        KeyMarker: 'a b',
        UploadIdMarker: uploadId,
        MaxUploads: '7',
        EncodingType: 'url'
      } as never)
  },
  {
    name: 'CreateMultipartUpload',
    ours: Ops.createMultipartUpload(at),
    theirs: (sdk) => sdk.multipartInit(At)
  },
  {
    name: 'CreateMultipartUpload, all',
    ours: Ops.createMultipartUpload({ ...at, ...entity, ...access, ...storing, sse }),
    theirs: (sdk) => sdk.multipartInit(more(At, { ...Entity, ...Access, ...StorageFields, ...SSE }))
  },
  {
    name: 'UploadPart',
    ours: Ops.uploadPart({ ...at, uploadId, partNumber: 3, body: 'hello' }),
    theirs: (sdk) => sdk.multipartUpload({ ...At, UploadId: uploadId, PartNumber: 3, Body: 'hello' })
  },
  {
    name: 'UploadPart, all',
    ours: Ops.uploadPart({ ...at, uploadId, partNumber: 3, body: 'hello', contentMd5: MD5, ...limit, sse }),
    theirs: (sdk) =>
      sdk.multipartUpload(
        more(
          { ...At, UploadId: uploadId, PartNumber: 3, Body: 'hello' },
          { ContentMD5: MD5, ...Limit, ...SSE }
        )
      )
  },
  {
    name: 'UploadPartCopy',
    ours: Ops.uploadPartCopy({ ...at, uploadId, partNumber: 3, copySource: source }),
    theirs: (sdk) => sdk.uploadPartCopy({ ...At, UploadId: uploadId, PartNumber: 3, CopySource: Source })
  },
  {
    name: 'UploadPartCopy, all',
    ours: Ops.uploadPartCopy({
      ...at,
      uploadId,
      partNumber: 3,
      copySource: source,
      copySourceRange: { first: 0, last: 1048575 },
      ...copyConditions,
      sse
    }),
    theirs: (sdk) =>
      sdk.uploadPartCopy(
        more(
          { ...At, UploadId: uploadId, PartNumber: 3, CopySource: Source },
          { CopySourceRange: 'bytes=0-1048575', ...CopyConditions, ...SSE }
        )
      )
  },
  {
    name: 'ListParts',
    ours: Ops.listParts({ ...at, uploadId }),
    theirs: (sdk) => sdk.multipartListPart({ ...At, UploadId: uploadId })
  },
  {
    name: 'ListParts, all',
    ours: Ops.listParts({ ...at, uploadId, partNumberMarker: 5, maxParts: 7, encodingType: 'url' }),
    theirs: (sdk) =>
      sdk.multipartListPart({
        ...At,
        UploadId: uploadId,
        PartNumberMarker: '5',
        MaxParts: '7',
        EncodingType: 'url'
      } as never)
  },
  {
    name: 'CompleteMultipartUpload',
    ours: Ops.completeMultipartUpload({ ...at, uploadId, parts: [{ partNumber: 1, etag: 'a' }] }),
    theirs: (sdk) =>
      sdk.multipartComplete({ ...At, UploadId: uploadId, Parts: [{ PartNumber: 1, ETag: 'a' }] })
  },
  {
    name: 'CompleteMultipartUpload, all',
    ours: Ops.completeMultipartUpload({
      ...at,
      uploadId,
      parts: [
        { partNumber: 1, etag: '"a"' },
        { partNumber: 2, etag: '"b"' }
      ],
      picOperations: '{"is_pic_info":1}',
      forbidOverwrite: true
    }),
    theirs: (sdk) =>
      sdk.multipartComplete(
        more(
          {
            ...At,
            UploadId: uploadId,
            Parts: [
              { PartNumber: 1, ETag: '"a"' },
              { PartNumber: 2, ETag: '"b"' }
            ]
          },
          { PicOperations: '{"is_pic_info":1}', 'x-cos-forbid-overwrite': 'true' }
        )
      )
  },
  {
    name: 'AbortMultipartUpload',
    ours: Ops.abortMultipartUpload({ ...at, uploadId }),
    theirs: (sdk) => sdk.multipartAbort({ ...At, UploadId: uploadId })
  }
]
