/** The fuzzed operations: their input, a true response, and how the result is read. */
import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../../lib/core/error.js'
import type { Operation } from '../../lib/core/operation.js'
import type { Client } from '../../lib/client/client.js'
import { send } from '../../lib/client/send.js'
import * as Ops from '../../lib/index.js'
import { downloadStream } from '../../lib/transfers/download/download-stream.js'
import { streamObjects } from '../../lib/transfers/list/stream-objects.js'
import { encodeEvent, recordedMessage } from '../support/select-messages.js'
import type { Random } from './seeded-random.js'

export interface RawResponse {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
}

export interface At {
  readonly bucket: string
  readonly key: string
}

export interface Target {
  readonly name: string
  readonly action: string
  readonly onBucket: boolean
  readonly truth: RawResponse
  /** The root of an XML response: without its end tag no result is true. */
  readonly root?: string
  readonly run: (client: Client, at: At, random: Random) => Promise<E.Either<CosError, unknown>>
}

export const key = 'dir/a b+\u817e.txt'
const bytes = Buffer.from('123456789')
/** CRC-64/XZ of `bytes`, from its catalogue: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-xz */
export const sum = 0x995dc9bbdf1939fan
const uploadId = '1585130821cbb7df1d11846c073ad648e8f33b087cec2381df437acdc833cf654b9ecc6361'

// -- responses --
const common: RawResponse['headers'] = [
  ['Date', 'Fri, 03 May 2024 10:00:00 GMT'],
  ['Server', 'tencent-cos'],
  ['x-cos-request-id', 'NjYwMWE5YzRfMTIzNDU2Nzg5']
]
const responseOf = (
  headers: RawResponse['headers'] = [],
  body: Buffer = Buffer.alloc(0),
  status = 200
): RawResponse => ({
  status,
  headers: [...common, ...headers],
  body
})
export const xml = (text: string, status = 200, headers: RawResponse['headers'] = []): RawResponse =>
  responseOf(
    [['Content-Type', 'application/xml'], ...headers],
    Buffer.from(`<?xml version='1.0' encoding='utf-8' ?>\n${text}`),
    status
  )

const owner = '<Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner>'
const etag = '&quot;f2d1b2a44fd8a4b4d2c3a1b0c9d8e7f6-3&quot;'
const attributes: RawResponse['headers'] = [
  ['Content-Type', 'text/plain'],
  ['ETag', '"25f9e794323b453885f5181f1b624d0b"'],
  ['Last-Modified', 'Thu, 02 May 2024 09:30:11 GMT'],
  ['x-cos-hash-crc64ecma', String(sum)],
  ['x-cos-storage-class', 'STANDARD_IA'],
  ['x-cos-version-id', 'MTg0NDUxMzY1MDIzNjQ3NTcwMDk'],
  ['x-cos-restore', 'ongoing-request="false", expiry-date="Tue, 19 Nov 2024 16:00:00 GMT"'],
  ['x-cos-meta-colour', 'red'],
  ['x-cos-server-side-encryption', 'AES256']
]

const objectsXml = `<ListBucketResult><Name>b-1250000000</Name><EncodingType>url</EncodingType><Prefix>trips/</Prefix><Marker/><MaxKeys>3</MaxKeys><Delimiter>/</Delimiter><IsTruncated>true</IsTruncated><NextMarker>trips/b%20day.jpg</NextMarker><CommonPrefixes><Prefix>trips/2023/</Prefix></CommonPrefixes><Contents><Key>trips/</Key><LastModified>2024-05-01T08:00:00.000Z</LastModified><ETag>${etag}</ETag><Size>0</Size>${owner}<StorageClass>STANDARD</StorageClass></Contents><Contents><Key>trips/b%20day.jpg</Key><LastModified>2024-05-02T09:30:11.000Z</LastModified><ETag>${etag}</ETag><Size>3145729</Size>${owner}<StorageClass>ARCHIVE</StorageClass><RestoreStatus>ONGOING</RestoreStatus></Contents></ListBucketResult>`
const versionsXml = `<ListVersionsResult><Name>b-1250000000</Name><EncodingType>url</EncodingType><Prefix/><KeyMarker/><VersionIdMarker/><MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated><NextKeyMarker>notes.txt</NextKeyMarker><NextVersionIdMarker>MTg0</NextVersionIdMarker><DeleteMarker><Key>gone.txt</Key><VersionId>MTg1</VersionId><IsLatest>true</IsLatest><LastModified>2024-05-03T10:00:00.000Z</LastModified>${owner}</DeleteMarker><Version><Key>notes.txt</Key><VersionId>MTg0</VersionId><IsLatest>true</IsLatest><LastModified>2024-05-02T10:00:00.000Z</LastModified><ETag>${etag}</ETag><Size>1024</Size><StorageClass>STANDARD</StorageClass>${owner}</Version></ListVersionsResult>`
const uploadsXml = `<ListMultipartUploadsResult><Bucket>b-1250000000</Bucket><Encoding-Type>url</Encoding-Type><KeyMarker/><UploadIdMarker/><MaxUploads>1000</MaxUploads><Prefix/><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated><Upload><Key>a%2Fb</Key><UploadId>${uploadId}</UploadId><StorageClass>Standard</StorageClass><Initiator><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Initiator>${owner}<Initiated>Wed Jan 18 16:04:17 2017</Initiated></Upload><CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes></ListMultipartUploadsResult>`
const partsXml = `<ListPartsResult><Bucket>b-1250000000</Bucket><Encoding-type/><Key>a</Key><UploadId>${uploadId}</UploadId>${owner}<PartNumberMarker>0</PartNumberMarker><StorageClass>Standard</StorageClass><MaxParts>1000</MaxParts><IsTruncated>false</IsTruncated><Part><PartNumber>1</PartNumber><LastModified>2024-05-02T10:00:00.000Z</LastModified><ETag>${etag}</ETag><Size>1048576</Size></Part><Part><PartNumber>2</PartNumber><LastModified>2024-05-02T10:00:01.000Z</LastModified><ETag>${etag}</ETag><Size>17</Size></Part></ListPartsResult>`

/** Frames of Select: some recorded from COS, and an end. */
export const frames = (): ReadonlyArray<Buffer> => [
  encodeEvent('Records', 'one,1\n'),
  encodeEvent('Cont'),
  encodeEvent('Records', 'two,2\n'),
  encodeEvent('Records', 'three'),
  encodeEvent(
    'Stats',
    '<?xml version="1.0" encoding="UTF-8"?><Stats><BytesScanned>10</BytesScanned><BytesProcessed>20</BytesProcessed><BytesReturned>17</BytesReturned></Stats>'
  ),
  recordedMessage('End')
]

// -- running --
const runCatching = async <A>(
  reading: () => Promise<E.Either<CosError, A>>
): Promise<E.Either<CosError, A>> => {
  try {
    return await reading()
  } catch (thrown) {
    if (thrown instanceof CosException) return E.left(thrown.error)
    throw new Error('what a stream failed with is no CosException', { cause: thrown })
  }
}

const sendTarget =
  <A>(
    make: (at: At, random: Random) => Operation<A>,
    read: (value: A, random: Random) => Promise<E.Either<CosError, unknown>> = async (value) => E.right(value)
  ): Target['run'] =>
  async (client, at, random) => {
    const result = await send(make(at, random))(client)()
    return E.isLeft(result) ? result : runCatching(() => read(result.right, random))
  }

/** Most readers read to the end; some stop at once or after the first bytes. The outcome of the body must settle then. */
const readOut = async <A extends object, V>(
  rest: A,
  body: Readable,
  outcome: TaskEither<CosError, V>,
  random: Random
): Promise<E.Either<CosError, unknown>> => {
  const patience = random.below(10)
  const chunks: Array<Buffer> = []
  let whole = false
  if (patience === 0) body.destroy()
  else {
    try {
      for await (const chunk of body) {
        chunks.push(chunk as Buffer)
        if (patience === 1) break
      }
      whole = patience !== 1
    } catch (thrown) {
      if (E.isRight(await outcome())) throw new Error('the bytes failed, and their outcome does not say so')
      throw thrown
    }
  }
  const settled = await outcome()
  if (E.isLeft(settled)) {
    if (whole) throw new Error('the bytes ended, and their outcome is a failure')
    return settled
  }
  return E.right({ ...rest, outcome: settled.right, ...(whole ? { bytes: Buffer.concat(chunks) } : {}) })
}

const query = {
  expression: 'SELECT * FROM COSObject',
  inputSerialization: { csv: {} },
  outputSerialization: { csv: {} }
}
const copySource = { bucket: 'source-1250000000', region: 'ap-guangzhou', key: 'a' }
const stored: RawResponse['headers'] = [
  ['ETag', '"25f9e794323b453885f5181f1b624d0b"'],
  ['x-cos-hash-crc64ecma', String(sum)]
]
const bucketOf = ({ bucket }: At) => ({ bucket })

type Row = readonly [name: string, action: string, truth: RawResponse, run: Target['run'], root?: string]

const rows: ReadonlyArray<Row> = [
  [
    'listObjects',
    'ListObjects',
    xml(objectsXml),
    sendTarget((at) => Ops.listObjects(bucketOf(at))),
    'ListBucketResult'
  ],
  [
    'listObjectVersions',
    'ListObjectVersions',
    xml(versionsXml),
    sendTarget((at) => Ops.listObjectVersions(bucketOf(at))),
    'ListVersionsResult'
  ],
  [
    'listMultipartUploads',
    'ListMultipartUploads',
    xml(uploadsXml),
    sendTarget((at) => Ops.listMultipartUploads(bucketOf(at))),
    'ListMultipartUploadsResult'
  ],
  [
    'listParts',
    'ListParts',
    xml(partsXml),
    sendTarget((at) => Ops.listParts({ ...at, uploadId })),
    'ListPartsResult'
  ],
  [
    'putObject',
    'PutObject',
    responseOf(stored),
    sendTarget((at, random) => Ops.putObject({ ...at, body: bytes, expectContinue: random.often(0.3) }))
  ],
  ['headObject', 'HeadObject', responseOf(attributes, bytes), sendTarget(Ops.headObject)],
  ['objectExists', 'HeadObject', responseOf(attributes, bytes), sendTarget(Ops.objectExists)],
  [
    'getObject',
    'GetObject',
    responseOf(attributes, bytes),
    sendTarget(Ops.getObject, ({ body, verified, ...rest }, random) => readOut(rest, body, verified, random))
  ],
  [
    'getObject of a range',
    'GetObject',
    responseOf([...attributes, ['Content-Range', 'bytes 2-5/9']], bytes.subarray(2, 6), 206),
    sendTarget(
      (at) => Ops.getObject({ ...at, range: { first: 2, last: 5 } }),
      ({ body, verified, ...rest }, random) => readOut(rest, body, verified, random)
    )
  ],
  [
    'copyObject',
    'CopyObject',
    xml(
      `<CopyObjectResult><ETag>${etag}</ETag><LastModified>2020-04-10T18:20:30Z</LastModified><CRC64>${String(sum)}</CRC64><VersionId>MTg0</VersionId></CopyObjectResult>`
    ),
    sendTarget((at) => Ops.copyObject({ ...at, copySource })),
    'CopyObjectResult'
  ],
  [
    'deleteObject',
    'DeleteObject',
    responseOf(
      [
        ['x-cos-delete-marker', 'true'],
        ['x-cos-version-id', 'MTg0']
      ],
      undefined,
      204
    ),
    sendTarget(Ops.deleteObject)
  ],
  [
    'deleteObjects',
    'DeleteObjects',
    xml(
      '<DeleteResult><Deleted><Key>a</Key></Deleted><Deleted><Key>b</Key><VersionId>MTg0</VersionId><DeleteMarker>true</DeleteMarker><DeleteMarkerVersionId>MTg1</DeleteMarkerVersionId></Deleted><Error><Key>c</Key><Code>PathConflict</Code><Message>Path conflict</Message></Error></DeleteResult>'
    ),
    sendTarget(({ bucket }) =>
      Ops.deleteObjects({ bucket, objects: [{ key: 'a' }, { key: 'b' }, { key: 'c' }] })
    ),
    'DeleteResult'
  ],
  [
    'restoreObject',
    'RestoreObject',
    responseOf([], undefined, 202),
    sendTarget((at) => Ops.restoreObject({ ...at, days: 3 }))
  ],
  [
    'selectObjectContent',
    'SelectObjectContent',
    responseOf([['Content-Type', 'application/octet-stream']], Buffer.concat(frames())),
    sendTarget(
      (at) => Ops.selectObjectContent({ ...at, ...query }),
      ({ records, progress, stats, ...rest }, random) =>
        readOut({ ...rest, progress: progress() }, records, stats, random)
    )
  ],
  [
    'createMultipartUpload',
    'CreateMultipartUpload',
    xml(
      `<InitiateMultipartUploadResult><Bucket>b-1250000000</Bucket><Key>a</Key><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`
    ),
    sendTarget(Ops.createMultipartUpload),
    'InitiateMultipartUploadResult'
  ],
  [
    'uploadPart',
    'UploadPart',
    responseOf(stored),
    sendTarget((at, random) =>
      Ops.uploadPart({ ...at, uploadId, partNumber: 1, body: bytes, expectContinue: random.often(0.3) })
    )
  ],
  [
    'uploadPartCopy',
    'UploadPartCopy',
    xml(
      `<CopyPartResult><ETag>${etag}</ETag><LastModified>2017-09-04T04:45:45</LastModified></CopyPartResult>`
    ),
    sendTarget((at) => Ops.uploadPartCopy({ ...at, uploadId, partNumber: 1, copySource })),
    'CopyPartResult'
  ],
  [
    'completeMultipartUpload',
    'CompleteMultipartUpload',
    xml(
      `<CompleteMultipartUploadResult xmlns="http://www.qcloud.com/document/product/436/7751"><Location>http://b-1250000000.cos.ap-guangzhou.myqcloud.com/a</Location><Bucket>b-1250000000</Bucket><Key>a</Key><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
      200,
      [['x-cos-hash-crc64ecma', String(sum)]]
    ),
    sendTarget((at) =>
      Ops.completeMultipartUpload({ ...at, uploadId, parts: [{ partNumber: 1, etag: '"a"' }] })
    ),
    'CompleteMultipartUploadResult'
  ],
  [
    'abortMultipartUpload',
    'AbortMultipartUpload',
    responseOf([], undefined, 204),
    sendTarget((at) => Ops.abortMultipartUpload({ ...at, uploadId }))
  ],
  [
    'streamObjects',
    'ListObjects',
    xml(objectsXml),
    (client, at) =>
      runCatching(async () => {
        const entries: Array<unknown> = []
        for await (const entry of streamObjects({ ...bucketOf(at), delimiter: '/' })(client)) {
          entries.push(entry)
          if (entries.length > 10_000) throw new Error('a listing without an end')
        }
        return E.right(entries)
      })
  ],
  [
    'downloadStream',
    'GetObject',
    responseOf(attributes, bytes),
    async (client, at, random) => {
      const result = await downloadStream({ ...at, partSize: 4 })(client)()
      if (E.isLeft(result)) return result
      const { body, verified, ...rest } = result.right
      return runCatching(() => readOut(rest, body, verified, random))
    }
  ]
]

const bucketwide = /^(?:listObject|listMultipart|deleteObjects|streamObjects)/

export const targets: ReadonlyArray<Target> = rows.map(([name, action, truth, run, root]) => ({
  name,
  action,
  truth,
  run,
  onBucket: bucketwide.test(name),
  ...(root === undefined ? {} : { root })
}))
