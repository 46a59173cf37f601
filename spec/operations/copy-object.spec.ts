import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { copyObject } from '../../lib/operations/copy-object.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

const copySource = { bucket: 'sourcebucket-1250000001', region: 'ap-shanghai', key: 'a b/c+d.jpg' }
const sourceText = 'sourcebucket-1250000001.cos.ap-shanghai.myqcloud.com/a%20b/c%2Bd.jpg'
const key = Buffer.from('0123456789ABCDEF0123456789ABCDEF')
const keyText = 'MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlBQkNERUY='
const keyMd5 = 'U5L61r7jcwdNvT7frmUG8g=='

t.test('a minimal request has only the source, with the timeout of slow responses', async (t) => {
  t.equal(copyObject({ ...at, copySource }).action, 'CopyObject')
  t.same(requestOf(copyObject({ ...at, copySource })), {
    ...emptyRequest,
    method: 'PUT',
    headers: { 'x-cos-copy-source': sourceText },
    slow: true
  })
})

t.test('every parameter is sent under COS’s name', async (t) => {
  const date = new Date('2024-05-01T08:31:00Z')
  const operation = copyObject({
    ...at,
    copySource: { ...copySource, versionId: 'MTg0' },
    copySourceIfMatch: 'a',
    copySourceIfNoneMatch: 'b',
    copySourceIfModifiedSince: date,
    copySourceIfUnmodifiedSince: date,
    copySourceSse: { type: 'C', key },
    copyStatus: 'Replaced',
    taggingDirective: 'Replaced',
    cacheControl: 'max-age=60',
    contentDisposition: 'attachment',
    contentEncoding: 'gzip',
    contentLanguage: 'en',
    contentType: 'text/plain',
    expires: '0',
    metadata: { key1: 'value1' },
    acl: 'private',
    grantRead: [{ id: '1' }],
    grantWrite: [{ id: '2' }],
    grantReadAcp: [{ id: '3' }],
    grantWriteAcp: [{ id: '4' }],
    grantFullControl: [{ id: '5' }],
    sse: { type: 'C', key },
    storageClass: 'INTELLIGENT_TIERING',
    tagging: { a: '1' },
    forbidOverwrite: true,
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'PUT',
    slow: true,
    query: { extra: '2' },
    headers: {
      'x-cos-copy-source': `${sourceText}?versionId=MTg0`,
      'x-cos-copy-source-if-match': '"a"',
      'x-cos-copy-source-if-none-match': '"b"',
      'x-cos-copy-source-if-modified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'x-cos-copy-source-if-unmodified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'x-cos-copy-source-server-side-encryption-customer-algorithm': 'AES256',
      'x-cos-copy-source-server-side-encryption-customer-key': keyText,
      'x-cos-copy-source-server-side-encryption-customer-key-md5': keyMd5,
      'x-cos-metadata-directive': 'Replaced',
      'cache-control': 'max-age=60',
      'content-disposition': 'attachment',
      'content-encoding': 'gzip',
      'content-language': 'en',
      'content-type': 'text/plain',
      expires: '0',
      'x-cos-meta-key1': 'value1',
      'x-cos-acl': 'private',
      'x-cos-grant-read': 'id="1"',
      'x-cos-grant-write': 'id="2"',
      'x-cos-grant-read-acp': 'id="3"',
      'x-cos-grant-write-acp': 'id="4"',
      'x-cos-grant-full-control': 'id="5"',
      'x-cos-server-side-encryption-customer-algorithm': 'AES256',
      'x-cos-server-side-encryption-customer-key': keyText,
      'x-cos-server-side-encryption-customer-key-md5': keyMd5,
      'x-cos-storage-class': 'INTELLIGENT_TIERING',
      'x-cos-tagging': 'a=1',
      'x-cos-tagging-directive': 'Replaced',
      'x-cos-forbid-overwrite': 'true',
      'x-cos-extra': '1'
    }
  })
})

t.test('parameters that COS would ignore are an InvalidInput', async (t) => {
  const copy = (more: object) => problemOf(copyObject({ ...at, copySource, ...more }))
  for (const [name, value] of [
    ['cacheControl', 'no-store'],
    ['contentType', 'text/plain'],
    ['expires', '0'],
    ['metadata', {}]
  ] as const) {
    const expected = `copyStatus: must be 'Replaced' when ${name} is given (COS ignores ${name} otherwise)`
    t.equal(copy({ [name]: value }), expected)
    t.equal(copy({ [name]: value, copyStatus: 'Copy' }), expected)
  }
  t.equal(
    copy({ tagging: { a: '1' }, copyStatus: 'Replaced' }),
    "taggingDirective: must be 'Replaced' when tagging is given (COS ignores tagging otherwise)"
  )
  // Properties that are never those of the source need no directive.
  const other = { acl: 'private', storageClass: 'ARCHIVE', sse: { type: 'COS' }, copyStatus: 'Copy' } as const
  t.match(requestOf(copyObject({ ...at, copySource, ...other })), {
    headers: { 'x-cos-metadata-directive': 'Copy', 'x-cos-storage-class': 'ARCHIVE' }
  })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const copy = (more: object) => problemOf(copyObject({ ...at, copySource, ...more }))
  t.match(copy({ copySource: undefined }), /^copySource: /)
  t.match(copy({ copySource: { ...copySource, key: '' } }), /^copySource\.key: /)
  t.match(copy({ copySource: { ...copySource, region: undefined } }), /^copySource\.region: /)
  t.match(copy({ copyStatus: 'REPLACE' }), /^copyStatus: must be 'Copy' or 'Replaced'/)
  t.match(copy({ copySourceIfMatch: '' }), /^copySourceIfMatch: /)
  t.match(copy({ body: '' }), /^body: is not a known field/)
})

t.test('a copy needs an ETag, and an error inside a 200 is a ServiceError', async (t) => {
  const { decode } = copyObject({ ...at, copySource })
  const xml =
    '<CopyObjectResult><ETag>&quot;a&quot;</ETag><LastModified>2024-05-02T09:30:11Z</LastModified></CopyObjectResult>'
  t.match(right(await decodeResponse(t, decode, xmlResponse(` \n${xml}`))), {
    etag: '"a"',
    lastModified: O.some(new Date('2024-05-02T09:30:11Z'))
  })
  const error = '<Error><Code>InternalError</Code></Error>'
  t.match(left(await decodeResponse(t, decode, xmlResponse(error))), {
    _tag: 'ServiceError',
    status: 200,
    code: 'InternalError'
  })
  const refusal = { ...xmlResponse('<Error><Code>NoSuchCopySource</Code></Error>'), status: 404 }
  t.match(left(await decodeResponse(t, decode, refusal)), {
    _tag: 'ServiceError',
    status: 404,
    code: 'NoSuchCopySource'
  })
})
