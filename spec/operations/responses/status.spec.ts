import { Readable } from 'node:stream'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import * as cospipe from '../../../lib/index.js'
import type { Response } from '../../../lib/core/response.js'
import { specContext } from '../../support/responses.js'
import { encodeEvent, recordedMessage } from '../../support/select-messages.js'

interface Case {
  readonly operation: cospipe.Operation<unknown>
  /** Statuses of a success, by COS's table of operations. */
  readonly statuses: ReadonlyArray<number>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const at = { bucket: 'examplebucket-1250000000', key: 'a' }
const inBucket = { bucket: at.bucket }
const upload = { ...at, uploadId: 'u' }
const source = { copySource: { bucket: at.bucket, region: 'ap-guangzhou', key: 'b' } }
const object = { etag: '"a"', 'last-modified': 'Wed, 01 May 2024 08:31:00 GMT', 'content-length': '0' }
const page = (root: string): string => `<${root}><IsTruncated>false</IsTruncated></${root}>`

const cases: ReadonlyArray<Case> = [
  { operation: cospipe.listObjects(inBucket), statuses: [200], body: page('ListBucketResult') },
  { operation: cospipe.listObjectVersions(inBucket), statuses: [200], body: page('ListVersionsResult') },
  {
    operation: cospipe.listMultipartUploads(inBucket),
    statuses: [200],
    body: page('ListMultipartUploadsResult')
  },
  { operation: cospipe.listParts(upload), statuses: [200], body: page('ListPartsResult') },
  { operation: cospipe.headObject(at), statuses: [200], headers: object },
  { operation: cospipe.getObject(at), statuses: [200], headers: object },
  { operation: cospipe.putObject({ ...at, body: '' }), statuses: [200], headers: { etag: '"a"' } },
  {
    operation: cospipe.uploadPart({ ...upload, partNumber: 1, body: '' }),
    statuses: [200],
    headers: { etag: '"a"' }
  },
  {
    operation: cospipe.copyObject({ ...at, ...source }),
    statuses: [200],
    body: '<CopyObjectResult><ETag>"a"</ETag></CopyObjectResult>'
  },
  {
    operation: cospipe.uploadPartCopy({ ...upload, ...source, partNumber: 1 }),
    statuses: [200],
    body: '<CopyPartResult><ETag>"a"</ETag></CopyPartResult>'
  },
  {
    operation: cospipe.createMultipartUpload(at),
    statuses: [200],
    body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'
  },
  {
    operation: cospipe.completeMultipartUpload({ ...upload, parts: [{ partNumber: 1, etag: '"a"' }] }),
    statuses: [200],
    body: '<CompleteMultipartUploadResult><ETag>"a-1"</ETag></CompleteMultipartUploadResult>'
  },
  { operation: cospipe.abortMultipartUpload(upload), statuses: [204] },
  { operation: cospipe.deleteObject(at), statuses: [204] },
  {
    operation: cospipe.deleteObjects({ ...inBucket, objects: [{ key: 'a' }] }),
    statuses: [200],
    body: '<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>'
  },
  { operation: cospipe.restoreObject({ ...at, days: 1 }), statuses: [200, 202] },
  {
    operation: cospipe.selectObjectContent({
      ...at,
      expression: 'SELECT * FROM COSObject',
      inputSerialization: { json: { type: 'LINES' } },
      outputSerialization: { json: {} }
    }),
    statuses: [200],
    body: Buffer.concat([encodeEvent('Records', '{}\n'), recordedMessage('End')])
  }
]

const requestId = { 'x-cos-request-id': 'NjYwMQ==' }

const responseOf = (status: number, headers: Response['headers'], body: string | Buffer = ''): Response => ({
  status,
  headers,
  body: Readable.from(body.length === 0 ? [] : [Buffer.from(body)]),
  sent: { size: 0, crc64: O.some(0n) },
  context: specContext,
  host: 'examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com'
})

/** Reads a result to its end, as Select reports errors in its records. */
const decode = async (
  { operation }: Case,
  response: Response
): Promise<E.Either<cospipe.CosError, unknown>> => {
  const result = await operation.decode(response)()
  if (E.isRight(result) && operation.action === 'SelectObjectContent') {
    const { records } = result.right as { readonly records: Readable }
    const error: unknown = await records.toArray().then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    if (error instanceof cospipe.CosException) return E.left(error.error)
  }
  return result
}

const tagOf = (result: E.Either<cospipe.CosError, unknown>): string =>
  E.isLeft(result) ? result.left._tag : 'Right'

t.test('the table has every operation', async (t) => {
  t.equal(new Set(cases.map(({ operation }) => operation.action)).size, 17)
})

t.test(
  'a success has the statuses of COS’s table, any other 2xx is a DecodeError, and the rest ServiceErrors',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...cases), fc.integer({ min: 200, max: 599 }), async (one, status) => {
        const result = tagOf(
          await decode(one, responseOf(status, { ...requestId, ...one.headers }, one.body))
        )
        const expected = one.statuses.includes(status)
          ? 'Right'
          : status < 300
            ? 'DecodeError'
            : 'ServiceError'
        if (result !== expected) {
          throw new Error(`${one.operation.action} ${String(status)}: ${result} instead of ${expected}`)
        }
      })
    )
  }
)

// An object may be HTML, and the headers of HEAD and GET are the result.
const writes = cases.filter(({ operation }) => !['HeadObject', 'GetObject'].includes(operation.action))

t.test('a page of a proxy is never a success', async () => {
  const pages: ReadonlyArray<readonly [headers: Response['headers'], body: string]> = [
    [{ 'content-type': 'text/html', etag: '"a"' }, '<html><body>Sign in</body></html>'],
    [{ 'content-type': 'text/html; charset=utf-8', etag: '"a"', ...requestId }, ''],
    [{}, '']
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...writes),
      fc.integer({ min: 200, max: 299 }),
      fc.constantFrom(...pages),
      async (one, status, [headers, body]) => {
        const result = tagOf(await decode(one, responseOf(status, headers, body)))
        if (!['DecodeError', 'TransportError'].includes(result)) {
          throw new Error(`${one.operation.action} ${String(status)} ${JSON.stringify(headers)}: ${result}`)
        }
      }
    )
  )
})
