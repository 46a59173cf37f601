import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { uploadPartCopy } from '../../lib/operations/upload-part-copy.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

const one = {
  ...at,
  uploadId: '1714552211f00d',
  partNumber: 1,
  copySource: { bucket: 'sourcebucket-1250000001', region: 'ap-shanghai', key: 'a' }
}
const sourceText = 'sourcebucket-1250000001.cos.ap-shanghai.myqcloud.com/a'
const key = Buffer.from('0123456789ABCDEF0123456789ABCDEF')

t.test('a minimal request has the source and the part, with the timeout of slow responses', async (t) => {
  t.equal(uploadPartCopy(one).action, 'UploadPartCopy')
  t.same(requestOf(uploadPartCopy(one)), {
    ...emptyRequest,
    method: 'PUT',
    query: { partNumber: '1', uploadId: '1714552211f00d' },
    headers: { 'x-cos-copy-source': sourceText },
    slow: true
  })
})

t.test('every parameter is sent under COS’s name', async (t) => {
  const date = new Date('2024-05-01T08:31:00Z')
  const operation = uploadPartCopy({
    ...one,
    partNumber: 10_000,
    copySource: { ...one.copySource, versionId: 'MTg0' },
    copySourceRange: { first: 0, last: 1048575 },
    copySourceIfMatch: 'a',
    copySourceIfNoneMatch: 'b',
    copySourceIfModifiedSince: date,
    copySourceIfUnmodifiedSince: date,
    copySourceSse: { type: 'C', key },
    sse: { type: 'C', key },
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  const customer = { algorithm: 'AES256', key: key.toString('base64'), 'key-md5': 'U5L61r7jcwdNvT7frmUG8g==' }
  const withPrefix = (prefix: string) =>
    Object.fromEntries(
      Object.entries(customer).map(([name, value]) => [
        `${prefix}server-side-encryption-customer-${name}`,
        value
      ])
    )
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'PUT',
    slow: true,
    query: { partNumber: '10000', uploadId: '1714552211f00d', extra: '2' },
    headers: {
      'x-cos-copy-source': `${sourceText}?versionId=MTg0`,
      'x-cos-copy-source-range': 'bytes=0-1048575',
      'x-cos-copy-source-if-match': '"a"',
      'x-cos-copy-source-if-none-match': '"b"',
      'x-cos-copy-source-if-modified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'x-cos-copy-source-if-unmodified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      ...withPrefix('x-cos-copy-source-'),
      ...withPrefix('x-cos-'),
      'x-cos-extra': '1'
    }
  })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const copy = (more: object) => problemOf(uploadPartCopy({ ...one, ...more }))
  t.match(copy({ uploadId: '' }), /^uploadId: /)
  t.match(copy({ partNumber: 0 }), /^partNumber: /)
  t.match(copy({ copySourceRange: { first: 1, last: 0 } }), /^copySourceRange\.last: /)
  t.match(copy({ copySourceRange: { first: 1 } }), /^copySourceRange\.last: /)
  t.match(copy({ copySourceRange: { suffix: 5 } }), /^copySourceRange\./)
  t.match(copy({ copySource: { ...one.copySource, bucket: 'x' } }), /^copySource\.bucket: /)
  t.match(copy({ sse: { type: 'KMS' } }), /^sse: /)
  t.match(copy({ contentType: 'text/plain' }), /^contentType: is not a known field/)
})

const { decode } = uploadPartCopy({ ...one, partNumber: 7 })

t.test('the result has the number, the ETag and the date of the part', async (t) => {
  const xml =
    '<?xml version="1.0"?>\n<CopyPartResult>\n  <ETag>&quot;6f5902ac237024bdd0c176cb93063dc4&quot;</ETag>\n' +
    '  <LastModified>2024-05-02T09:30:11</LastModified>\n</CopyPartResult>'
  const headers = { 'x-cos-copy-source-version-id': 'MTg0' }
  const { headers: raw, ...rest } = right(await decodeResponse(t, decode, xmlResponse(xml, headers)))
  t.match(raw, headers)
  t.same(rest, {
    requestId: 'NjYwMQ==',
    partNumber: 7,
    etag: '"6f5902ac237024bdd0c176cb93063dc4"',
    lastModified: O.some(new Date('2024-05-02T09:30:11Z')),
    crc64: O.none,
    copySourceVersionId: O.some('MTg0'),
    sse: O.none
  })
})

t.test('an error inside a 200 or another root fails', async (t) => {
  const error = '\n\n<Error><Code>SlowDown</Code></Error>'
  t.match(left(await decodeResponse(t, decode, xmlResponse(error))), {
    _tag: 'ServiceError',
    status: 200,
    code: 'SlowDown'
  })
  t.match(left(await decodeResponse(t, decode, xmlResponse('<CopyObjectResult/>'))), { _tag: 'DecodeError' })
  t.match(left(await decodeResponse(t, decode, { chunks: ['   '] })), { _tag: 'TransportError' })
})
