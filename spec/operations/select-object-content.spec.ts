import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { send } from '../../lib/client/send.js'
import { selectObjectContent } from '../../lib/operations/select-object-content.js'
import { decodeResponse, left, right, serveResponse, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'
import { startServer } from '../support/server.js'
import { encodeEvent, recordedMessage } from '../support/select-messages.js'

const least = {
  ...at,
  expression: 'Select * from COSObject',
  inputSerialization: { json: { type: 'LINES' } },
  outputSerialization: { csv: {} }
} as const

const requestWith = (body: string) => ({
  ...emptyRequest,
  method: 'POST',
  query: { select: '', 'select-type': '2' },
  headers: {
    'content-type': 'application/xml',
    'content-md5': createHash('md5').update(body).digest('base64')
  },
  body
})

t.test('a minimal request has the query and the two formats', async (t) => {
  const operation = selectObjectContent(least)
  t.equal(operation.action, 'SelectObjectContent')
  t.same(
    requestOf(operation),
    requestWith(
      '<SelectRequest><Expression>Select * from COSObject</Expression><ExpressionType>SQL</ExpressionType>' +
        '<InputSerialization><JSON><Type>LINES</Type></JSON></InputSerialization>' +
        '<OutputSerialization><CSV></CSV></OutputSerialization></SelectRequest>'
    )
  )
  t.equal(Object.keys(requestOf(operation).query)[0], 'select')
})

t.test('every parameter is sent as in COS’s sample', async (t) => {
  const operation = selectObjectContent({
    ...at,
    expression: 'SELECT s._1, s._3 FROM COSObject s WHERE s._3 > 100',
    expressionType: 'SQL',
    inputSerialization: {
      compressionType: 'GZIP',
      csv: {
        fileHeaderInfo: 'IGNORE',
        recordDelimiter: '\n',
        fieldDelimiter: ',',
        quoteCharacter: '"',
        quoteEscapeCharacter: '"',
        comments: '#',
        allowQuotedRecordDelimiter: false
      }
    },
    outputSerialization: { json: { recordDelimiter: '\n' } },
    requestProgress: { enabled: true }
  })
  t.same(
    requestOf(operation),
    requestWith(
      '<SelectRequest><Expression>SELECT s._1, s._3 FROM COSObject s WHERE s._3 &gt; 100</Expression>' +
        '<ExpressionType>SQL</ExpressionType><InputSerialization><CompressionType>GZIP</CompressionType><CSV>' +
        '<FileHeaderInfo>IGNORE</FileHeaderInfo><RecordDelimiter>\n</RecordDelimiter><FieldDelimiter>,</FieldDelimiter>' +
        '<QuoteCharacter>"</QuoteCharacter><QuoteEscapeCharacter>"</QuoteEscapeCharacter><Comments>#</Comments>' +
        '<AllowQuotedRecordDelimiter>FALSE</AllowQuotedRecordDelimiter></CSV></InputSerialization>' +
        '<OutputSerialization><JSON><RecordDelimiter>\n</RecordDelimiter></JSON></OutputSerialization>' +
        '<RequestProgress><Enabled>TRUE</Enabled></RequestProgress></SelectRequest>'
    )
  )
  const silent = selectObjectContent({ ...least, requestProgress: { enabled: false } })
  t.match(requestOf(silent), { body: /<RequestProgress><Enabled>FALSE<\/Enabled><\/RequestProgress>/ })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const select = (more: object) => problemOf(selectObjectContent({ ...least, ...more }))
  t.equal(select({ expression: '' }), 'expression: must be a non-empty string')
  t.match(select({ expression: 'SELECT \0' }), /^expression: must be SQL without control characters/)
  t.equal(select({ expressionType: 'sql' }), "expressionType: must be 'SQL'")
  t.match(select({ inputSerialization: {} }), /^inputSerialization: must be/)
  t.match(
    select({ inputSerialization: { csv: { fieldDelimiter: ',,' } } }),
    /^inputSerialization\.csv\.fieldDelimiter: /
  )
  t.match(select({ outputSerialization: { parquet: {} } }), /^outputSerialization: must be/)
  t.match(select({ requestProgress: true }), /^requestProgress: /)
  t.match(select({ requestProgress: { enabled: 'TRUE' } }), /^requestProgress\.enabled: /)
  t.match(select({ range: { first: 0 } }), /^range: is not a known field/)
})

const { decode } = selectObjectContent(least)
const headers = { 'x-cos-request-id': 'NjYwMQ==' }
const progress = { bytesScanned: 512, bytesProcessed: 1024, bytesReturned: 64 }
const stats = { ...progress, bytesReturned: 11 }

t.test('records stream as bytes, with progress and stats', async (t) => {
  const names = ['Cont', 'Records', 'Progress', 'Cont', 'Records', 'Stats', 'End']
  const selected = right(await decodeResponse(t, decode, { headers, chunks: names.map(recordedMessage) }))
  t.equal(selected.requestId, 'NjYwMQ==')
  t.match(selected.headers, headers)
  t.same(selected.progress(), O.none)
  t.equal((await selected.records.toArray()).join(''), '1,Ann\n2,Bo\n1,Ann\n2,Bo\n')
  t.same(right(await selected.stats()), O.some(stats))
  t.same(selected.progress(), O.some(stats))
})

t.test('a character split between messages is whole in the stream', async (t) => {
  const text = Buffer.from('北京,腾讯\n')
  const chunks = Array.from(text, (byte) =>
    Buffer.concat([encodeEvent('Records', Uint8Array.of(byte)), encodeEvent('Cont')])
  )
  const selected = right(
    await decodeResponse(t, decode, { headers, chunks: [...chunks, encodeEvent('End')] })
  )
  let got = ''
  for await (const chunk of selected.records.setEncoding('utf8')) got += String(chunk)
  t.equal(got, '北京,腾讯\n')
  t.same(right(await selected.stats()), O.none)
})

t.test('progress is available while the query runs', async (t) => {
  const chunks = [
    Buffer.concat([recordedMessage('Progress'), recordedMessage('Records')]),
    200,
    recordedMessage('End')
  ]
  const selected = right(await decodeResponse(t, decode, { headers, chunks }))
  await new Promise((resolve) => selected.records.once('readable', resolve))
  t.same(selected.progress(), O.some(progress))
  await selected.records.toArray()
})

t.test('a query that fails half way fails the records after those delivered', async (t) => {
  const chunks = [recordedMessage('Records'), 20, recordedMessage('Error')]
  const selected = right(await decodeResponse(t, decode, { headers, chunks }))
  const got: Array<string> = []
  selected.records.on('data', (chunk) => got.push(String(chunk)))
  const error = { _tag: 'ServiceError', status: 200, code: 'OverMaxRecordSize', requestId: 'NjYwMQ==' }
  t.match(await new Promise((resolve) => selected.records.once('error', resolve)), {
    name: 'CosException',
    error
  })
  t.same(got, ['1,Ann\n2,Bo\n'])
  t.match(left(await selected.stats()), error)
})

t.test('records without an End message fail, even if the response is complete', async (t) => {
  const selected = right(
    await decodeResponse(t, decode, {
      headers,
      chunks: [recordedMessage('Records'), recordedMessage('Stats')]
    })
  )
  const error = { _tag: 'TransportError', code: 'IncompleteResponse' }
  await t.rejects(selected.records.toArray(), { name: 'CosException', error })
  t.match(left(await selected.stats()), error)
})

t.test('a paused consumer pauses the server', async (t) => {
  const chunk = encodeEvent('Records', Buffer.alloc(256 * 1024))
  const { response, written } = await serveResponse(t, {
    headers,
    chunks: Array.from({ length: 128 }, () => chunk)
  })
  const selected = right(await decode(response)())
  await new Promise((resolve) => selected.records.once('readable', resolve))
  await setTimeout(100)
  t.ok(written() < 16 * 1024 * 1024, String(written()))
  selected.records.destroy()
})

t.test('a consumer that stops closes the connection, and has the latest stats', async (t) => {
  const chunks = [Buffer.concat([recordedMessage('Stats'), recordedMessage('Records')])]
  const { response, closed } = await serveResponse(t, { headers, chunks, ends: 'open' })
  const selected = right(await decode(response)())
  for await (const _ of selected.records) break
  t.equal(await closed, 'early')
  t.same(right(await selected.stats()), O.some(stats))
})

t.test('a refused query is a ServiceError with COS’s code', async (t) => {
  const xml = '<Error><Code>SQLParsingError</Code><Message>No.</Message></Error>'
  t.match(left(await decodeResponse(t, decode, { ...xmlResponse(xml), status: 400 })), {
    _tag: 'ServiceError',
    status: 400,
    code: 'SQLParsingError'
  })
})

t.test('without a head, or with half of one, a Select ends at the timeout of the headers', async (t) => {
  for (const start of ['', 'HTTP/1.1 200 OK\r\nx-cos-re']) {
    const server = await startServer(t, (_received, { socket }) => socket?.write(start))
    const client = server.client({ timeouts: { headers: 40 }, retry: { attempts: 1 } })
    t.match(left(await send(selectObjectContent(least))(client)()), {
      _tag: 'Timeout',
      phase: 'headers',
      after: 40
    })
  }
})
