/** SELECT Object Content, over the wire: all results of a query, or an error. */
import { gzipSync } from 'node:zlib'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Fault } from '../../lib/emulator/index.js'
import { putObject } from '../../lib/operations/put-object.js'
import { restoreObject } from '../../lib/operations/restore-object.js'
import {
  selectObjectContent,
  type SelectObjectContentInput
} from '../../lib/operations/select-object-content.js'
import { catchCosError as failure } from '../support/responses.js'
import { encodeEvent, encodeMessage, recordedMessage } from '../support/select-messages.js'
import { right } from '../support/server.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: selecting, uncovered } = trackParameters(selectObjectContent)
const at = { bucket, key: 'people.csv' }
const people = 'id,name\n1,Ann\n2,腾讯\n'
const names: SelectObjectContentInput = {
  ...at,
  expression: 'SELECT s.name FROM COSObject s',
  inputSerialization: { csv: { fileHeaderInfo: 'USE' } },
  outputSerialization: { json: {} }
}

t.test('a query with every parameter of both formats', async (t) => {
  const { run, headersOf, emulator } = await A.startFixture(t)
  const to = { bucket, ...A.collapsing }
  const data = "id;name\r\n!skip me\r\n1;'An''n;x\r\ny'\r\n2;Bo\r\n"
  await run(putObject({ ...to, body: gzipSync(data) }))
  const outputSerialization = {
    csv: {
      quoteFields: 'ALWAYS',
      recordDelimiter: '|\n',
      fieldDelimiter: '\t',
      quoteCharacter: "'",
      quoteEscapeCharacter: '\\'
    }
  } as const
  const selected = await run(
    selecting({
      ...to,
      expression: "SELECT s.id, s.name FROM COSObject s WHERE s.name <> '<&>'",
      expressionType: 'SQL',
      inputSerialization: {
        compressionType: 'GZIP',
        csv: {
          fileHeaderInfo: 'USE',
          recordDelimiter: '\r\n',
          fieldDelimiter: ';',
          quoteCharacter: "'",
          quoteEscapeCharacter: "'",
          comments: '!',
          allowQuotedRecordDelimiter: true
        }
      },
      outputSerialization,
      requestProgress: { enabled: true },
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.same(selected.progress(), O.none)
  const text = "'1'\t'An\\'n;x\r\ny'|\n'2'\t'Bo'|\n"
  t.equal(await A.textOf(selected.records), text)
  const stats = {
    bytesScanned: gzipSync(data).length,
    bytesProcessed: data.length,
    bytesReturned: text.length
  }
  t.same(right(await selected.stats()), O.some(stats))
  t.same(selected.progress(), O.some(stats))
  const request = emulator.requests().at(-1)
  t.match(selected, {
    requestId: request?.requestId,
    layout: outputSerialization,
    context: { operation: 'SelectObjectContent', bucket, key: O.some('a/..'), attempts: 1 },
    headers: { server: 'tencent-cos' }
  })
  t.match(request?.query, { select: '', 'select-type': '2', 'by-hand': 'parameter' })
  t.match(headersOf('SelectObjectContent'), {
    'content-type': 'application/xml',
    'content-md5': /==$/,
    'x-cos-by-hand': 'header'
  })
})

t.test('JSON is read as lines and as a document, and written with a delimiter', async (t) => {
  const { run } = await A.startFixture(t)
  await run(putObject({ ...at, body: '{"a":1}\n{"a":"腾"}\n' }))
  const lines = await run(
    selecting({
      ...at,
      expression: 'SELECT s.a FROM COSObject s',
      inputSerialization: { json: { type: 'LINES' }, compressionType: 'NONE' },
      outputSerialization: { json: { recordDelimiter: ';' } }
    })
  )
  t.equal(await A.textOf(lines.records), '{"a":1};{"a":"腾"};')
  t.same(lines.progress(), O.some(A.some(right(await lines.stats()))), 'unasked, it tells but the end')
  await run(putObject({ ...at, body: '{"a":{"b":[1,2]}}' }))
  const document = await run(
    selectObjectContent({
      ...at,
      expression: 'SELECT s.a FROM COSObject s',
      inputSerialization: { json: { type: 'DOCUMENT' } },
      outputSerialization: { json: {} }
    })
  )
  t.equal(await A.textOf(document.records), '{"a":{"b":[1,2]}}\n')
})

t.test('Parquet and BZIP2 are requested, and recorded responses of COS are decoded', async (t) => {
  const honest = await A.startFixture(t)
  await honest.run(putObject({ ...at, body: '' }))
  const parquet = { ...names, inputSerialization: { parquet: {}, compressionType: 'NONE' } } as const
  const bzip2 = { ...names, inputSerialization: { csv: {}, compressionType: 'BZIP2' } } as const
  const body = Buffer.concat(['Records', 'Progress', 'Cont', 'Stats', 'End'].map(recordedMessage))
  const { run } = await A.startFixture(t, { fault: () => ({ response: { status: 200, body } }) })
  for (const input of [parquet, bzip2]) {
    t.match(await honest.runFailing(selectObjectContent(input)), { status: 501, code: 'NotImplemented' })
    const selected = await run(selecting(input))
    t.equal(await A.textOf(selected.records), '1,Ann\n2,Bo\n')
    t.match(right(await selected.stats()), O.some({ bytesReturned: 11 }))
  }
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('encrypted, versioned and restored objects are queried', async (t) => {
  let now = Date.now()
  const { run, runFailing } = await A.startFixture(t, { now: () => now })
  const read = async (input: Partial<SelectObjectContentInput>) =>
    A.textOf((await run(selectObjectContent({ ...names, ...input }))).records)
  await run(putObject({ ...at, body: people, sse: { type: 'COS' } }))
  t.equal(await read({}), '{"name":"Ann"}\n{"name":"腾讯"}\n')
  const versions = { bucket: A.versioned, key: 'a' }
  const { versionId } = await run(putObject({ ...versions, body: people }))
  await run(putObject({ ...versions, body: 'id,name\n' }))
  t.equal(await read(versions), '')
  t.equal(
    await read({ ...versions, query: { versionId: A.some(versionId) } }),
    '{"name":"Ann"}\n{"name":"腾讯"}\n'
  )
  await run(putObject({ ...at, body: people, storageClass: 'ARCHIVE' }))
  t.match(await runFailing(selectObjectContent(names)), { status: 403, code: 'InvalidObjectState' })
  await run(restoreObject({ ...at, days: 1, tier: 'Expedited' }))
  now += 300_000
  t.equal(await read({}), '{"name":"Ann"}\n{"name":"腾讯"}\n')
})

t.test('COS refuses invalid queries before the records', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  await run(putObject({ ...at, body: people }))
  await run(putObject({ ...at, key: 'secret', body: people, sse: A.sseC }))
  const expectRefusal = async (input: Partial<SelectObjectContentInput>, status: number, code: string) => {
    const error = await runFailing(selectObjectContent({ ...names, ...input }))
    t.match(error, { _tag: 'ServiceError', status, code, context: { attempts: 1 } }, code)
  }
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ key: 'never' }, 404, 'NoSuchKey')
  await expectRefusal({ query: { versionId: 'never' } }, 404, 'NoSuchVersion')
  await expectRefusal({ key: 'secret' }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ query: { 'select-type': '1' } }, 400, 'InvalidRequestParameter')
  await expectRefusal({ expression: ' ' }, 400, 'MissingExpectedExpression')
  await expectRefusal({ expression: 'SELECT * FROM COSObject ORDER BY _1' }, 400, 'SQLParsingError')
  await expectRefusal({ expression: 'SELECT * FROM elsewhere' }, 400, 'SQLParsingError')
  const same = { fieldDelimiter: ',', quoteCharacter: ',' }
  await expectRefusal({ inputSerialization: { csv: same } }, 400, 'InvalidRequestParameter')
})

t.test('an error in the data fails the records', async (t) => {
  const { run, cos } = await A.startFixture(t)
  const lines = { json: { type: 'LINES' } } as const
  const cases: ReadonlyArray<readonly [string, string | Uint8Array, Partial<SelectObjectContentInput>]> = [
    ['CastFailed', people, { expression: 'SELECT CAST(s.name AS INT) FROM COSObject s' }],
    [
      'ComparisonFailed',
      '{"a":[]}',
      { expression: 'SELECT 1 FROM COSObject s WHERE s.a > 1', inputSerialization: lines }
    ],
    ['AmbiguousFieldName', 'a,A\n1,2\n', { expression: 'SELECT s.a FROM COSObject s' }],
    ['JSONParsingError', people, { expression: 'SELECT 1 FROM COSObject', inputSerialization: lines }],
    ['GzipDecompressError', people, { inputSerialization: { csv: {}, compressionType: 'GZIP' } }],
    ['CSVParsingError', 'id,name\n1,"a\nb"\n', {}],
    ['LastRecordParseFail', 'id,name\n1,"a', {}],
    ['InvalidTextEncoding', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), {}],
    ['OverMaxRecordSize', `id,name\n1,${'x'.repeat(1_100_000)}\n`, {}]
  ]
  for (const [code, body, input] of cases) {
    await run(putObject({ ...at, body }))
    const selected = await run(selectObjectContent({ ...names, ...input }))
    const error = {
      _tag: 'ServiceError',
      status: 200,
      code,
      message: /./,
      requestId: cos.emulator.requests().at(-1)?.requestId,
      context: { operation: 'SelectObjectContent', bucket, key: O.some(at.key), attempts: 1 }
    }
    t.match(await failure(selected.records.toArray()), error, code)
    t.match(await selected.stats(), { _tag: 'Left', left: error })
  }
})

t.test('cut or changed records fail', async (t) => {
  let fault: Fault = {}
  const { run } = await A.startFixture(t, { fault: ({ method }) => (method === 'POST' ? fault : {}) })
  await run(putObject({ ...at, body: people }))
  const respondWith = (...messages: ReadonlyArray<Uint8Array>): Fault => ({
    response: { status: 200, body: Buffer.concat(messages) }
  })
  const busy = encodeMessage({ ':message-type': 'error', ':error-code': 'Busy', ':error-message': 'Later.' })
  const cases: ReadonlyArray<readonly [string, Fault, object]> = [
    [
      'no End',
      respondWith(recordedMessage('Records'), recordedMessage('Stats')),
      { _tag: 'TransportError', code: 'IncompleteResponse' }
    ],
    ['nothing', respondWith(), { _tag: 'TransportError', code: 'IncompleteResponse' }],
    ['half a message', { shorten: 40 }, { _tag: 'TransportError' }],
    ['a broken connection', { cut: { at: 'body', after: 40 } }, { _tag: 'TransportError' }],
    ['one byte inverted', { flip: 105 }, { _tag: 'IntegrityError', check: 'crc32' }],
    [
      'an error after results',
      respondWith(recordedMessage('Records'), busy),
      { _tag: 'ServiceError', status: 200, code: 'Busy', message: 'Later.' }
    ],
    ['XML', respondWith(Buffer.from('<Error><Code>Busy</Code></Error>')), { _tag: 'IntegrityError' }]
  ]
  for (const [what, wrong, error] of cases) {
    fault = wrong
    const { records, stats } = await run(selectObjectContent(names))
    t.match(await failure(records.toArray()), error, what)
    t.match(await stats(), { _tag: 'Left', left: error }, what)
  }

  fault = { dribble: { size: 1, pause: 0 } }
  t.equal(
    await A.textOf((await run(selectObjectContent(names))).records),
    '{"name":"Ann"}\n{"name":"腾讯"}\n'
  )
  const halves = [Buffer.from('腾').subarray(0, 1), Buffer.from('腾').subarray(1)]
  fault = respondWith(
    encodeEvent('Records', halves[0]),
    encodeEvent('Cont'),
    encodeEvent('New'),
    encodeEvent('Records', halves[1]),
    encodeEvent('End'),
    Buffer.from('more')
  )
  t.equal(await A.textOf((await run(selectObjectContent(names))).records), '腾')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) => {
  const selectWith = (input: object) => selectObjectContent({ ...names, ...input })
  const readAs = (inputSerialization: object) => selectWith({ inputSerialization })
  const writeAs = (outputSerialization: object) => selectWith({ outputSerialization })
  return expectInvalidInput(t, [
    ['key', selectWith({ key: '' })],
    ['expression', selectWith({ expression: '' })],
    ['expression', selectWith({ expression: 'SELECT \u0001' })],
    ['expressionType', selectWith({ expressionType: 'JQ' })],
    ['requestProgress.enabled', selectWith({ requestProgress: { enabled: 'TRUE' } })],
    ['inputSerialization', readAs({})],
    ['inputSerialization.compressionType', readAs({ csv: {}, compressionType: 'ZIP' })],
    ['inputSerialization.compressionType', readAs({ parquet: {}, compressionType: 'GZIP' })],
    ['inputSerialization.csv.fieldDelimiter', readAs({ csv: { fieldDelimiter: '腾' } })],
    ['inputSerialization.csv.fileHeaderInfo', readAs({ csv: { fileHeaderInfo: 'MAYBE' } })],
    ['inputSerialization.json.type', readAs({ json: {} })],
    ['outputSerialization', writeAs({})],
    ['outputSerialization.csv.quoteFields', writeAs({ csv: { quoteFields: 'NEVER' } })],
    ['outputSerialization.json.recordDelimiter', writeAs({ json: { recordDelimiter: '' } })]
  ])
})

refusals(selectObjectContent(names))
