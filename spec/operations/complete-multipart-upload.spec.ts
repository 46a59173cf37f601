import { createHash } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Request } from '../../lib/core/request.js'
import {
  completeMultipartUpload,
  type CompleteMultipartUploadInput,
  type CompleteMultipartUploadResult
} from '../../lib/operations/complete-multipart-upload.js'
import { decodeResponse, left, right, xmlResponse, type CannedResponse } from '../support/responses.js'

const input: CompleteMultipartUploadInput = {
  bucket: 'examplebucket-1250000000',
  key: 'trips/film.mp4',
  uploadId: '1714552211f00d',
  parts: [
    { partNumber: 1, etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"' },
    { partNumber: 2, etag: '"6f5902ac237024bdd0c176cb93063dc4"' }
  ]
}

const requestOf = (changes: Partial<CompleteMultipartUploadInput> = {}): Request =>
  right(completeMultipartUpload({ ...input, ...changes }).request)

const bodyOf = ({ body }: Request): string =>
  body._tag === 'Bytes' ? Buffer.concat(body.chunks).toString() : ''

// -- request --
t.test('the request equals the sample of COS’s page', async (t) => {
  const request = requestOf()
  t.match(request, {
    method: 'POST',
    bucket: 'examplebucket-1250000000',
    key: O.some('trips/film.mp4'),
    query: { uploadId: '1714552211f00d' },
    headers: { 'content-type': 'application/xml', 'content-md5': 'pNfUmlUvf3xZHkjn5n3ULA==' },
    slow: true
  })
  t.equal(
    bodyOf(request),
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"5eb63bbbe01eeed093cb22bb8f5acdc3"</ETag></Part>' +
      '<Part><PartNumber>2</PartNumber><ETag>"6f5902ac237024bdd0c176cb93063dc4"</ETag></Part></CompleteMultipartUpload>'
  )
  t.same(Object.keys(request.headers).toSorted(), ['content-md5', 'content-type'])
})

t.test('parts may be in any order, with or without quotes, and results of uploadPart', async (t) => {
  const response = { requestId: 'id', headers: {}, crc64: O.none, sse: O.none }
  const parts = [
    { ...response, partNumber: 2, etag: '6f5902ac237024bdd0c176cb93063dc4' },
    { ...response, partNumber: 1, etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"' }
  ]
  t.equal(bodyOf(requestOf({ parts })), bodyOf(requestOf()))
})

t.test('10,000 parts make a document of less than 1 MB', async (t) => {
  const parts = Array.from({ length: 10_000 }, (_, n) => ({
    partNumber: n + 1,
    etag: createHash('md5').update(String(n)).digest('hex')
  }))
  const body = bodyOf(requestOf({ parts: parts.toReversed() }))
  t.equal(body.length, 888_945)
  t.match(body, /<PartNumber>9999<\/PartNumber>.*<PartNumber>10000<\/PartNumber>/)
})

t.test('other parameters are sent as headers', async (t) => {
  const { headers } = requestOf({
    forbidOverwrite: true,
    callback: { callbackUrl: 'https://a.example/b', callbackBody: 'key=${object}' },
    callbackVar: { 'x:a': '1' },
    picOperations: { is_pic_info: 1 },
    headers: { 'X-Cos-Other': 'y' }
  })
  t.match(headers, {
    'x-cos-forbid-overwrite': 'true',
    'x-cos-callback': /^[A-Za-z0-9+/]+=*$/,
    'x-cos-callback-var': 'eyJ4OmEiOiIxIn0=',
    'pic-operations': '{"is_pic_info":1}',
    'x-cos-other': 'y'
  })
  t.equal(requestOf({ forbidOverwrite: false }).headers['x-cos-forbid-overwrite'], undefined)
})

const partsOf = (...numbers: ReadonlyArray<number>) =>
  numbers.map((partNumber) => ({ partNumber, etag: 'x' }))

t.test('invalid part lists are an InvalidInput with the path of the part', async (t) => {
  const wrong: ReadonlyArray<readonly [changes: object, field: string, message: RegExp]> = [
    [{ uploadId: '' }, 'uploadId', /non-empty/],
    [{ uploadId: undefined }, 'uploadId', /is required/],
    [{ key: '' }, 'key', /must not be empty/],
    [{ bucket: 'Bad' }, 'bucket', /APPID/],
    [{ parts: [] }, 'parts', /1 to 10,000/],
    [{ parts: undefined }, 'parts', /./],
    [{ parts: partsOf(...Array.from({ length: 20_000 }, (_, n) => n + 1)) }, 'parts', /.|10,000/],
    [{ parts: partsOf(2) }, 'parts.0.partNumber', /^must be 1: parts are numbered from 1/],
    [{ parts: partsOf(1, 2, 4) }, 'parts.2.partNumber', /^must be 3: /],
    [{ parts: partsOf(4, 1, 2) }, 'parts.0.partNumber', /^must be 3: /],
    [{ parts: partsOf(1, 2, 2) }, 'parts.2.partNumber', /must be unique/],
    [{ parts: partsOf(3, 1, 2, 1) }, 'parts.3.partNumber', /must be unique: another part has 1/],
    [{ parts: partsOf(0) }, 'parts.0.partNumber', /from 1 to 10,000/],
    [{ parts: partsOf(1, 1.5) }, 'parts.1.partNumber', /an integer/],
    [{ parts: [{ partNumber: 1 }] }, 'parts.0.etag', /is required/],
    [{ parts: [{ partNumber: 1, etag: '' }] }, 'parts.0.etag', /ETag/],
    [{ parts: [{ partNumber: 1, etag: '*' }] }, 'parts.0.etag', /ETag/],
    [{ parts: [{ partNumber: 1, etag: 'a\u0001' }] }, 'parts.0.etag', /ETag/],
    [{ parts: ['"x"'] }, 'parts.0', /a part/],
    [{ part: [] }, 'part', /not a known field/]
  ]
  for (const [changes, field, message] of wrong) {
    const bad = { ...input, ...changes }
    t.match(left(completeMultipartUpload(bad).request), { _tag: 'InvalidInput', field, message }, field)
  }
})

// -- response --
const xml = `<?xml version="1.0" encoding="UTF-8"?>
<CompleteMultipartUploadResult xmlns="http://www.qcloud.com/document/product/436/7751">
  <Location>http://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/trips/film.mp4</Location>
  <Bucket>examplebucket-1250000000</Bucket>
  <Key>trips/film.mp4</Key>
  <ETag>&quot;7f3c1d5be2a94c08b6d1e0f49a5c7b21-2&quot;</ETag>
</CompleteMultipartUploadResult>`

type Test = Parameters<typeof decodeResponse>[0]
const complete = async (
  t: Test,
  response: CannedResponse,
  changes: Partial<CompleteMultipartUploadInput> = {}
) =>
  decodeResponse<CompleteMultipartUploadResult>(
    t,
    completeMultipartUpload({ ...input, ...changes }).decode,
    response
  )

t.test('the response is typed, and absent fields are none', async (t) => {
  const headers = {
    'x-cos-hash-crc64ecma': '11051210869376104954',
    'x-cos-version-id': 'null',
    'x-cos-server-side-encryption': 'AES256'
  }
  const { headers: raw, ...whole } = right(await complete(t, xmlResponse(xml, headers)))
  t.same(whole, {
    requestId: 'NjYwMQ==',
    bucket: 'examplebucket-1250000000',
    key: 'trips/film.mp4',
    etag: '"7f3c1d5be2a94c08b6d1e0f49a5c7b21-2"',
    location: O.some('http://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/trips/film.mp4'),
    crc64: O.some(11051210869376104954n),
    versionId: O.some('null'),
    sse: O.some({ type: 'COS' }),
    response: O.none
  })
  t.match(raw, headers)

  const bare = '<CompleteMultipartUploadResult><ETag>"x-1"</ETag></CompleteMultipartUploadResult>'
  t.match(right(await complete(t, { chunks: [bare] })), {
    requestId: '',
    bucket: input.bucket,
    key: input.key,
    etag: '"x-1"',
    location: O.none,
    crc64: O.none,
    versionId: O.none,
    sse: O.none
  })
})

t.test('white space before the document is skipped in any chunks', async (t) => {
  t.match(right(await complete(t, { chunks: ['   \r\n \n', xml] })), { etag: /-2"$/ })
  t.match(
    right(
      await complete(t, {
        chunks: [' ', 5, '  ', 5, '\r', 5, '\n', 5, '\n', xml.slice(0, 9), 5, xml.slice(9)]
      })
    ),
    {
      etag: /-2"$/
    }
  )
})

t.test('an error inside a 200 is a ServiceError', async (t) => {
  const error =
    '<Error><Code>InternalError</Code><Message>try again</Message><RequestId>r</RequestId></Error>'
  for (const chunks of [[error], [' \r\n', 5, " <?xml version='1.0'?>", error]]) {
    t.match(left(await complete(t, { chunks })), {
      _tag: 'ServiceError',
      status: 200,
      code: 'InternalError',
      requestId: 'r'
    })
  }
})

t.test('a response without an ETag, of another root, or cut short fails', async (t) => {
  const responses: ReadonlyArray<readonly [response: CannedResponse, error: object]> = [
    [
      { chunks: [xml.replace(/<ETag>.*<\/ETag>/, '')] },
      { _tag: 'DecodeError', problems: [/^ETag: (?:must be|is missing)/] }
    ],
    [{ chunks: [xml.replace(/<ETag>.*<\/ETag>/, '<ETag/>')] }, { _tag: 'DecodeError' }],
    [{ chunks: ['<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>'] }, { _tag: 'DecodeError' }],
    [{ chunks: [] }, { _tag: 'TransportError', code: 'EmptyResponse' }],
    [{ chunks: ['  \n'] }, { _tag: 'TransportError', code: 'EmptyResponse' }],
    [{ chunks: ['  \n', 5, ' '], ends: 'cut' }, { _tag: 'TransportError' }],
    [{ chunks: [xml.slice(0, -10)] }, { _tag: 'TransportError', code: 'IncompleteResponse' }],
    [
      { status: 404, chunks: ['<Error><Code>NoSuchUpload</Code></Error>'] },
      { _tag: 'ServiceError', code: 'NoSuchUpload' }
    ]
  ]
  for (const [response, error] of responses) t.match(left(await complete(t, response)), error)
})

t.test('a key that XML cannot express does not fail a completion', async (t) => {
  const odd = xml.replace('<Key>trips/film.mp4', '<Key>trips/\u0001film.mp4')
  t.match(right(await complete(t, { chunks: [odd] })), { key: 'trips/\u0001film.mp4', etag: /-2"$/ })
})

t.test('an invalid checksum header does not fail a completion', async (t) => {
  t.match(right(await complete(t, xmlResponse(xml, { 'x-cos-hash-crc64ecma': 'none' }))), { crc64: O.none })
})

t.test('with a callback the body is that of the callback, and the ETag may be in a header', async (t) => {
  const changes = { callback: { callbackUrl: 'https://a.example', callbackBody: 'x' } }
  const callbackResponse = '{"ok":true}'
  t.match(right(await complete(t, { headers: { etag: '"h-2"' }, chunks: [callbackResponse] }, changes)), {
    etag: '"h-2"',
    key: input.key,
    response: O.some(callbackResponse)
  })
  t.match(right(await complete(t, { headers: { etag: '"h-2"' } }, changes)), {
    etag: '"h-2"',
    response: O.some('')
  })
  t.match(right(await complete(t, { chunks: [xml] }, changes)), { etag: /-2"$/, response: O.some(xml) })
  t.match(left(await complete(t, { chunks: [callbackResponse] }, changes)), {
    _tag: 'DecodeError',
    problems: [/complete, but .* has no ETag/]
  })
  const error = '<Error><Code>CallbackFailed</Code></Error>'
  t.match(left(await complete(t, { chunks: [error] }, changes)), {
    _tag: 'ServiceError',
    code: 'CallbackFailed'
  })
})

t.test('the result of picture processing is returned as text', async (t) => {
  const pictures = xml.replace('</Complete', '<ProcessResults><Object/></ProcessResults></Complete')
  t.match(right(await complete(t, { chunks: [' ', pictures] }, { picOperations: { is_pic_info: 1 } })), {
    etag: /-2"$/,
    response: O.some(pictures)
  })
})
