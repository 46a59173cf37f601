import * as io from 'io-ts'
import t from 'tap'
import type { Response } from '../../lib/core/response.js'
import { document, fromXml, xmlRows } from '../../lib/core/xml-decoder.js'
import {
  fetchResponse,
  decodeResponse,
  catchCosError,
  createGate,
  left,
  right,
  serveResponse,
  specContext,
  xmlResponse
} from '../support/responses.js'
import { toArray } from '../support/iterables.js'

const mebi = 1024 * 1024

const errorXml = `<?xml version='1.0' encoding='utf-8' ?>
<Error>
  <Code>NoSuchKey</Code>
  <Message>The specified key does not exist.</Message>
  <Resource>examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/a.txt</Resource>
  <RequestId>NjYwMWE5</RequestId>
  <TraceId>ZXhhbXBs</TraceId>
</Error>`

const Result = io.type({ ETag: io.string, Owner: io.type({ ID: io.string }) })
const result = '<Result xmlns="http://x"><ETag>&quot;x&quot;</ETag><Owner><ID>7</ID></Owner><New/></Result>'
const xml = fromXml('Result', Result)

t.test('fromXml decodes an XML response, and ignores unknown elements', async (t) => {
  t.match(right(await decodeResponse(t, xml, xmlResponse(result))), { ETag: '"x"', Owner: { ID: '7' } })
  t.match(left(await decodeResponse(t, xml, xmlResponse('<Result><Owner/></Result>'))), {
    _tag: 'DecodeError',
    problems: ['ETag: is missing', /^Owner: must be/],
    requestId: 'NjYwMQ=='
  })
})

t.test('a document has its rows in order and its fields by name', async (t) => {
  const { rows, fields } = right(
    await decodeResponse(t, document('A'), xmlResponse('<A><B>1</B><C/><B>2</B></A>'))
  )
  t.same(
    rows.map((row) => [row.name, row.text]),
    [
      ['B', '1'],
      ['C', ''],
      ['B', '2']
    ]
  )
  t.same(fields, { B: '2', C: '' })
})

t.test('any amount of white space before the document is dropped', async (t) => {
  const slowly = ['   \r\n \n', 5, ' ', 5, ' ', "<?xml version='1.0'?>", 5, '\n', result, '\n']
  t.match(await decodeResponse(t, xml, { chunks: slowly }), { _tag: 'Right' })
})

t.test('a 200 with an error document is a ServiceError', async (t) => {
  t.match(left(await decodeResponse(t, xml, xmlResponse(`  \n ${errorXml}`))), {
    _tag: 'ServiceError',
    status: 200,
    code: 'NoSuchKey'
  })
  t.match(left(await decodeResponse(t, xml, xmlResponse('<Error/>'))), {
    _tag: 'ServiceError',
    status: 200,
    code: 'Unknown',
    requestId: 'NjYwMQ=='
  })
  const half = errorXml.slice(0, errorXml.indexOf('</Resource>'))
  t.match(
    left(await decodeResponse(t, xml, xmlResponse(half))),
    { _tag: 'ServiceError', status: 200, code: 'NoSuchKey' },
    'cut short'
  )
})

t.test('a response that ends too early is a TransportError', async (t) => {
  for (const nothing of [[], [' '], ['\n', 5, '  ']]) {
    t.match(left(await decodeResponse(t, xml, { chunks: nothing })), {
      _tag: 'TransportError',
      code: 'EmptyResponse',
      context: specContext
    })
  }
  for (const part of [
    '<',
    "<?xml version='1.0'?>",
    '<Result',
    '<Result><ETag>1</ETag>',
    result.slice(0, -1)
  ]) {
    t.match(
      left(await decodeResponse(t, xml, { chunks: [part] })),
      { _tag: 'TransportError', code: 'IncompleteResponse' },
      part
    )
  }
  t.match(left(await decodeResponse(t, xml, { chunks: [' ', 5, ' '], ends: 'cut' })), {
    _tag: 'TransportError'
  })
  t.match(
    left(await decodeResponse(t, xml, { chunks: [result], ends: 'cut' })),
    { _tag: 'TransportError' },
    'behind the document'
  )
})

t.test('a response of another form is a DecodeError', async (t) => {
  const others: ReadonlyArray<readonly [body: string | Uint8Array, problem: RegExp]> = [
    ['<Other/>', /expected the XML root <Result>, got <Other>/],
    ['<html><body>hello</body></html>', /got <html>/],
    ['{"ETag":"x"}', /not well-formed/],
    ['<!DOCTYPE Result><Result/>', /document type/],
    [Uint8Array.of(0xff, 0xfe), /not UTF-8/],
    ['<Result>&nope;</Result>', /undefined entity/],
    [`<Result><A>${'x'.repeat(mebi)}</A></Result>`, /more than 1 Mi/]
  ]
  for (const [body, problem] of others) {
    t.match(left(await decodeResponse(t, xml, { chunks: [body] })), {
      _tag: 'DecodeError',
      status: 200,
      problems: [problem]
    })
  }
})

t.test('a document without an end closes the connection at the limit', async (t) => {
  const row = Buffer.from(`<Row>${'x'.repeat(512 * 1024)}</Row>`)
  const { response, closed } = await serveResponse(t, {
    chunks: (function* () {
      yield '<Result>'
      for (;;) yield row
    })()
  })
  t.match(left(await fromXml('Result', io.unknown)(response)()), {
    _tag: 'DecodeError',
    problems: [/64 MiB/]
  })
  t.equal(await closed, 'early')
})

const names = async (response: Response): Promise<ReadonlyArray<string>> =>
  (await toArray(xmlRows('Result', response))).flat().map((row) => row.name)

t.test('xmlRows yields each row as it arrives', async (t) => {
  const { opened, open } = createGate()
  const response = await fetchResponse(t, { chunks: ['<Result><A/>', opened, '<B/></Result>'] })
  const rows = xmlRows('Result', response)
  t.match(await rows.next(), { value: [{ name: 'A' }] }, 'the first one before the second is sent')
  open()
  t.match(await rows.next(), { value: [{ name: 'B' }] })
  t.match(await rows.next(), { done: true })
})

t.test('rows before an error are yielded before it, and the error is reported at once', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['<Result><A/><B/>&nope;'], ends: 'open' })
  const rows = xmlRows('Result', response)
  t.match(await rows.next(), { value: [{ name: 'A' }, { name: 'B' }] })
  t.match(await catchCosError(rows.next()), { _tag: 'DecodeError' })
  t.equal(await closed, 'early')
})

t.test('a reader that stops closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['<Result><A/>'], ends: 'open' })
  for await (const rows of xmlRows('Result', response)) {
    t.match(rows, [{ name: 'A' }])
    break
  }
  t.equal(await closed, 'early')
})

t.test('xmlRows throws a CosException if the response is an error or is incomplete', async (t) => {
  t.match(await catchCosError(names(await fetchResponse(t, { chunks: [errorXml] }))), {
    _tag: 'ServiceError',
    code: 'NoSuchKey'
  })
  t.match(await catchCosError(names(await fetchResponse(t, { chunks: ['<Result><A/>'], ends: 'cut' }))), {
    _tag: 'TransportError'
  })
  t.same(await names(await fetchResponse(t, { chunks: ['<Result><A/><B/></Result>'] })), ['A', 'B'])
})
