import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { copyObjectResponse } from '../../../lib/operations/responses/copied.js'
import { decodeResponse, left, right, xmlResponse } from '../../support/responses.js'

const decode = copyObjectResponse('CopyObjectResult')
const result = (inner: string) =>
  `<?xml version='1.0' encoding='utf-8' ?>\n<CopyObjectResult>${inner}</CopyObjectResult>`
const etag = '<ETag>&quot;5eb63bbbe01eeed093cb22bb8f5acdc3&quot;</ETag>'

t.test('a copy is decoded with all of its fields', async (t) => {
  const xml = result(
    `\n  ${etag}\n  <CRC64>5981764153023615706</CRC64>\n  <LastModified>2024-05-02T09:30:11Z</LastModified>\n` +
      '  <VersionId>MTg0NDUxNTc1NjIzMTQ1MDAwODg</VersionId>\n'
  )
  const { headers: raw, ...rest } = right(
    await decodeResponse(
      t,
      decode,
      xmlResponse(xml, { 'x-cos-copy-source-version-id': 'MTg0', 'x-cos-server-side-encryption': 'AES256' })
    )
  )
  t.match(raw, { 'x-cos-copy-source-version-id': 'MTg0' })
  t.same(rest, {
    requestId: 'NjYwMQ==',
    etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    lastModified: O.some(new Date('2024-05-02T09:30:11Z')),
    crc64: O.some(5981764153023615706n),
    versionId: O.some('MTg0NDUxNTc1NjIzMTQ1MDAwODg'),
    copySourceVersionId: O.some('MTg0'),
    sse: O.some({ type: 'COS' })
  })
})

t.test('fields that only the headers have are decoded', async (t) => {
  const headers = { 'x-cos-version-id': 'MTg1', 'x-cos-hash-crc64ecma': '7' }
  const copy = right(await decodeResponse(t, decode, xmlResponse(result(etag), headers)))
  t.match(copy, { versionId: O.some('MTg1'), crc64: O.some(7n) })
})

t.test('only the ETag is required, and other unreadable fields are none', async (t) => {
  const odd = result(`${etag}<LastModified>recently</LastModified><CRC64>many</CRC64><New>one</New>`)
  const copy = right(await decodeResponse(t, decode, xmlResponse(odd)))
  t.match(copy, { etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"', lastModified: O.none, crc64: O.none })
})

t.test('an error inside a 200 is a ServiceError, with any white space and chunks', async (t) => {
  const error =
    '<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message>' +
    '<Resource>/a</Resource><RequestId>NjYwMg==</RequestId><TraceId>VHJhY2U=</TraceId></Error>'
  for (const chunks of [
    [`<?xml version='1.0' encoding='utf-8' ?>${error}`],
    [' ', '\n\r\n \t', 20, ' ', `\n<?xml version='1.0'?>`, ...Array.from(error)],
    ['\ufeff', error]
  ]) {
    const failed = left(
      await decodeResponse(t, decode, { headers: { 'x-cos-request-id': 'NjYwMQ==' }, chunks })
    )
    t.match(failed, {
      _tag: 'ServiceError',
      status: 200,
      code: 'SlowDown',
      message: 'Reduce your request rate.',
      requestId: 'NjYwMg==',
      traceId: 'VHJhY2U='
    })
  }
})

t.test('another root or a missing ETag is a DecodeError', async (t) => {
  for (const [xml, problem] of [
    [result('<LastModified>2024-05-02T09:30:11Z</LastModified>'), /^ETag: (?:must be|is missing)/],
    [result('<ETag></ETag>'), /^ETag: (?:must be|is missing)/],
    ['<CopyPartResult><ETag>"a"</ETag></CopyPartResult>', /expected the XML root <CopyObjectResult>/],
    ['<html><body>Bad Gateway</body></html>', /expected the XML root <CopyObjectResult>/],
    ['not found', /./]
  ] as const) {
    t.match(
      left(await decodeResponse(t, decode, xmlResponse(xml))),
      { _tag: 'DecodeError', status: 200, problems: [problem] },
      xml
    )
  }
})

t.test('a cut response is a TransportError', async (t) => {
  const xml = result(`${etag}<CRC64>5</CRC64>`)
  for (const chunks of [[], [' \n '], [xml.slice(0, -30)]]) {
    t.match(left(await decodeResponse(t, decode, { chunks })), { _tag: 'TransportError' })
    t.match(left(await decodeResponse(t, decode, { chunks, ends: 'cut' })), { _tag: 'TransportError' })
  }
})
