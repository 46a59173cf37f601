/** Select over HTTP: errors before the response and in its stream, and the release of resources. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { eventReader } from '../../../lib/core/event-stream.js'
import { escapeXml } from '../../../lib/core/xml.js'
import type { RoutedRequest } from '../../../lib/emulator/http/request.js'
import { createSelectHandler } from '../../../lib/emulator/handlers/select-object-content.js'
import type { Emulator } from '../../../lib/emulator/index.js'
import { readOptions } from '../../../lib/emulator/options.js'
import { seedObjects } from '../../../lib/emulator/seed.js'
import { memoryStore } from '../../../lib/emulator/store/store.js'
import { right } from '../../support/responses.js'
import { becomesTrue } from '../../support/wait-for.js'
import {
  sendRequest,
  startTestEmulator,
  toHttpOptions,
  statusAndCode,
  type RequestInput,
  type ReceivedResponse
} from '../../support/signed.js'

const versioned = 'versioned-1250000000'
const key = 'dir/people.csv'
const people = 'id,name\n1,Ann\n2,腾讯\n'
const csvInput = '<CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV>'
const select = { select: '', 'select-type': '2' }

const selectXml = (sql: string, input = csvInput, output = '<JSON/>'): string =>
  `<SelectRequest><Expression>${escapeXml(sql)}</Expression><ExpressionType>SQL</ExpressionType>` +
  `<InputSerialization>${input}</InputSerialization><OutputSerialization>${output}</OutputSerialization>` +
  '</SelectRequest>'

const selectInput = (body: string, more: RequestInput = {}): RequestInput => ({
  method: 'POST',
  key,
  query: select,
  body,
  ...more
})

const names = selectXml('SELECT s.name FROM COSObject s')

/** The records of a response, and the tags of its messages. */
const read = ({ body }: ReceivedResponse) => {
  const events = right(eventReader().step(body))
  return {
    tags: events.map(({ _tag }) => _tag),
    text: Buffer.concat(
      events.flatMap((event) => (event._tag === 'Records' ? [event.bytes] : []))
    ).toString(),
    last: events.at(-1)
  }
}

const put = (
  emulator: Emulator,
  body: string | Uint8Array,
  more: RequestInput = {}
): Promise<ReceivedResponse> => sendRequest(emulator, { method: 'PUT', key, body, ...more })

t.test('Select responds with a stream of messages', async (t) => {
  const emulator = await startTestEmulator(t)
  await put(emulator, people)
  const response = await sendRequest(emulator, selectInput(names))
  t.match(response, {
    status: 200,
    headers: {
      'transfer-encoding': 'chunked',
      'content-type': 'application/octet-stream',
      'x-cos-request-id': /./
    }
  })
  t.same(read(response), {
    tags: ['Records', 'Stats', 'End'],
    text: '{"name":"Ann"}\n{"name":"腾讯"}\n',
    last: { _tag: 'End' }
  })
  t.match(emulator.requests().at(-1), {
    operation: 'SelectObjectContent',
    status: 200,
    bytesOut: response.body.length
  })
})

t.test('errors of the request are HTTP errors', async (t) => {
  const emulator = await startTestEmulator(t)
  await put(emulator, people)
  await put(emulator, people, { key: 'cold', headers: { 'x-cos-storage-class': 'ARCHIVE' } })
  const cases: ReadonlyArray<readonly [number, string, RequestInput]> = [
    [404, 'NoSuchKey', selectInput(names, { key: 'none' })],
    [404, 'NoSuchBucket', selectInput(names, { bucket: 'nobodys-1250000000' })],
    [404, 'NoSuchVersion', selectInput(names, { query: { ...select, versionId: 'none' } })],
    [403, 'AccessDenied', selectInput(names, { credentials: null })],
    [403, 'AccessDenied', selectInput(names, { key: 'none', credentials: null })],
    [403, 'InvalidObjectState', selectInput(names, { key: 'cold' })],
    [400, 'InvalidRequestParameter', selectInput(names, { query: { select: '', 'select-type': '1' } })],
    [400, 'InvalidXML', selectInput('<SelectRequest><Expression>')],
    [400, 'InvalidXML', selectInput('<Other/>')],
    [400, 'MissingRequestBodyError', selectInput('', { headers: { 'content-length': '0' } })],
    [400, 'XMLSizeLimit', selectInput(selectXml(`SELECT '${'x'.repeat(300_000)}' FROM COSObject`))],
    [
      400,
      'BadDigest',
      selectInput(names, { headers: { 'content-md5': createHash('md5').digest('base64') } })
    ],
    [400, 'MissingExpectedExpression', selectInput('<SelectRequest/>')],
    [400, 'MissingInputFormat', selectInput(selectXml('SELECT 1 FROM COSObject', ''))],
    [400, 'SQLParsingError', selectInput(selectXml('SELECT _1 FROM COSObject ORDER BY _1'))],
    [400, 'SQLParsingError', selectInput(selectXml('SELECT * FROM elsewhere'))],
    [501, 'NotImplemented', selectInput(selectXml('SELECT 1 FROM COSObject', '<Parquet/>'))],
    [
      501,
      'NotImplemented',
      selectInput(selectXml('SELECT 1 FROM COSObject', `<CompressionType>BZIP2</CompressionType>${csvInput}`))
    ]
  ]
  for (const [status, code, input] of cases) {
    const response = await sendRequest(emulator, input)
    t.equal(statusAndCode(response), `${String(status)} ${code}`)
  }
  t.match(await sendRequest(emulator, selectInput(selectXml('SELECT _1 FROM COSObject ORDER BY _1'))), {
    text: /The SQL is not valid: ORDER BY is not supported\./
  })
})

t.test('errors of the data are messages in the stream', async (t) => {
  const emulator = await startTestEmulator(t)
  await put(emulator, people)
  const expectFailure = async (body: string) => {
    const response = await sendRequest(emulator, selectInput(body))
    t.equal(response.status, 200)
    return read(response)
  }
  t.same(await expectFailure(selectXml('SELECT CAST(s.name AS INT) FROM COSObject s')), {
    tags: ['Error'],
    text: '',
    last: { _tag: 'Error', code: 'CastFailed', message: "'Ann' cannot be cast to INT." }
  })
  t.match(await expectFailure(selectXml('SELECT 1 FROM COSObject', '<JSON><Type>LINES</Type></JSON>')), {
    last: { code: 'JSONParsingError' }
  })
  t.match(await expectFailure(selectXml('SELECT 1 FROM COSObject', '<JSON><Type>DOCUMENT</Type></JSON>')), {
    last: { code: 'JSONParsingError' }
  })
  t.match(
    await expectFailure(
      selectXml('SELECT 1 FROM COSObject', `<CompressionType>GZIP</CompressionType>${csvInput}`)
    ),
    {
      last: { code: 'GzipDecompressError' }
    }
  )
})

t.test('Select reads one version, and public objects without a signature', async (t) => {
  const emulator = await startTestEmulator(t, {
    buckets: [{ name: versioned, versioning: 'Enabled', acl: 'public-read' }]
  })
  const first = await put(emulator, people, { bucket: versioned })
  await put(emulator, gzipSync(people), { bucket: versioned })
  const versionId = first.headers['x-cos-version-id'] ?? ''
  t.ok(versionId)
  const old = await sendRequest(
    emulator,
    selectInput(names, { bucket: versioned, query: { ...select, versionId } })
  )
  t.match(read(old), { text: '{"name":"Ann"}\n{"name":"腾讯"}\n' })
  const packed = selectXml(
    'SELECT COUNT(*) FROM COSObject',
    `<CompressionType>GZIP</CompressionType>${csvInput}`
  )
  const open = await sendRequest(emulator, selectInput(packed, { bucket: versioned, credentials: null }))
  t.match(read(open), { text: '{"_1":2}\n' })
})

// 30 MB, more than the socket buffers hold, so that a query has to wait for its client.
const wide = `{"a":"${'x'.repeat(99_991)}"}\n`.repeat(300)
const everything = selectXml('SELECT * FROM COSObject', '<JSON><Type>LINES</Type></JSON>')

/** Sends a query; resolves with the response's head, before its body is read. */
const openResponse = async (emulator: Emulator, body: string): Promise<IncomingMessage> => {
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const sent = request(toHttpOptions(emulator, selectInput(body, { headers })))
  sent.on('error', () => undefined)
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

t.test('a client that closes the connection ends the query and releases the object', async (t) => {
  const dir = t.testdir()
  const emulator = await startTestEmulator(t, { dir })
  const blobs = async () => (await readdir(join(dir, 'blobs'))).length
  await put(emulator, wide)
  const response = await openResponse(emulator, everything)
  await once(response, 'readable')
  await sendRequest(emulator, { method: 'DELETE', key })
  t.equal(await blobs(), 1, 'the bytes exist while they are read, although the object is deleted')
  response.destroy()
  t.ok(await becomesTrue(async () => (await blobs()) === 0), 'the bytes are removed after the last reader')
})

t.test('a slow client pauses its query, and other requests proceed', async (t) => {
  const emulator = await startTestEmulator(t)
  await put(emulator, wide)
  const response = await openResponse(emulator, everything)
  await once(response, 'readable')
  t.equal((await sendRequest(emulator, { method: 'HEAD', key })).status, 200)
  let sent = 0
  const isPaused = async (): Promise<boolean> => {
    const before = sent
    await setTimeout(100)
    sent = emulator.requests().find(({ operation }) => operation === 'SelectObjectContent')?.bytesOut ?? 0
    return sent > 0 && sent === before
  }
  t.ok(await becomesTrue(isPaused))
  t.ok(sent < 20_000_000, `${String(sent)} bytes were sent`)
  let size = 0
  for await (const chunk of response) size += (chunk as Buffer).length
  t.ok(size > 30_000_000)
})

t.test("Select fails with 501 and the package's name if an optional package is missing", async (t) => {
  const settings = right(readOptions({}))
  const store = memoryStore()
  t.teardown(store.close)
  await seedObjects(store, { ...settings, seed: [{ bucket: 'examplebucket-1250000000', key, size: 1 }] })
  const context = { store, settings, hosts: { isBucket: () => true, domains: new Map<string, string>() } }
  const routedRequest: RoutedRequest = {
    operation: 'SelectObjectContent',
    ...{ method: 'POST', scheme: 'http', anonymous: false, requestId: '', now: 0 },
    ...{
      bucket: 'examplebucket-1250000000',
      key,
      host: '',
      rawPath: '',
      signedPaths: [],
      query: select,
      headers: {}
    },
    body: {
      declared: names.length,
      chunked: false,
      async *read() {
        yield Buffer.from(names)
      }
    }
  }
  const installed = TE.right<unknown, never>(undefined as never)
  const missing = TE.left(new Error('Cannot find package'))
  t.match(await createSelectHandler({ sql: missing, csv: installed })(context, routedRequest)(), {
    left: {
      status: 501,
      code: 'NotImplemented',
      message: /libpg-query is installed: npm install libpg-query/
    }
  })
  t.match(await createSelectHandler({ sql: installed, csv: missing })(context, routedRequest)(), {
    left: { status: 501, code: 'NotImplemented', message: /csv-parse is installed: npm install csv-parse/ }
  })
  t.ok(E.isLeft(await createSelectHandler({ sql: missing, csv: missing })(context, routedRequest)()))
})
