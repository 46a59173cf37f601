import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as io from 'io-ts'
import t from 'tap'
import * as D from '../../lib/core/decoder.js'
import { CosException, type CosError } from '../../lib/core/error.js'
import type { Response } from '../../lib/core/response.js'
import { ByteCount } from '../../lib/core/wire.js'
import {
  fetchResponse,
  decodeResponse,
  catchCosError,
  createGate,
  left,
  right,
  serveResponse,
  specContext,
  xmlResponse,
  type CannedResponse,
  type ServeOptions
} from '../support/responses.js'
import { waitFor } from '../support/wait-for.js'
import { toArray } from '../support/iterables.js'

const mebi = 1024 * 1024

/** A decoder of only the status and the headers. */
const head: D.Decoder<number> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => response.status)
  )

type Test = Parameters<typeof serveResponse>[0]
const decodeRefusal = async (
  t: Test,
  response: CannedResponse,
  requested?: ServeOptions
): Promise<CosError> => left(await decodeResponse(t, D.rejectErrors(head), response, requested))

// -- bodies --
t.test('readBytes reads a body up to its limit, and closes the connection of a longer one', async (t) => {
  t.same(
    right(await decodeResponse(t, D.readBytes(10), { chunks: ['hello', 5, ' you'] })),
    Buffer.from('hello you')
  )
  t.same(
    right(await decodeResponse(t, D.readBytes(9), { chunks: ['hello', 5, ' you'] })),
    Buffer.from('hello you')
  )
  t.same(
    right(await decodeResponse(t, D.readBytes(4), { chunks: ['hello', 5, ' you'] })),
    Buffer.from('hell')
  )

  const { response, closed } = await serveResponse(t, { chunks: ['hello'], ends: 'open' })
  t.same(right(await D.readBytes(4)(response)()), Buffer.from('hell'))
  t.equal(await closed, 'early')
})

t.test('drain reads a short body to its end, and closes the connection of a long one', async (t) => {
  const short = await serveResponse(t, { chunks: ['x'.repeat(1000)] })
  t.same(await D.drain(short.response)(), E.right(undefined))
  t.equal(await short.closed, 'whole')

  const long = await serveResponse(t, { chunks: Array<string>(160).fill('x'.repeat(64 * 1024)) })
  t.same(await D.drain(long.response)(), E.right(undefined))
  t.equal(await long.closed, 'early')
  t.ok(long.written() < 10 * mebi, `${long.written()} bytes of 10 MiB left the server`)
})

t.test('a body that breaks off fails with a TransportError that has the cause', async (t) => {
  for (const decode of [D.readBytes(100), D.drain, D.fromHead(io.unknown)]) {
    const error = left(await decodeResponse<unknown>(t, decode, { chunks: ['half'], ends: 'cut' }))
    t.match(error, { _tag: 'TransportError', context: specContext })
  }
})

// -- heads --
const Size = io.type({ 'content-length': ByteCount, etag: io.string })

t.test('fromHead decodes the headers, and a DecodeError lists the problems', async (t) => {
  const headers = { 'Content-Length': '3', ETag: '"x"', 'x-cos-request-id': 'id' }
  t.same(
    await decodeResponse(t, D.fromHead(io.exact(Size)), { headers, chunks: ['abc'] }),
    E.right({ 'content-length': 3, etag: '"x"' })
  )
  const wrong = await decodeResponse(t, D.fromHead(Size), {
    headers: { 'x-cos-request-id': 'id', 'content-length': '0' }
  })
  t.same(left(wrong), {
    _tag: 'DecodeError',
    context: specContext,
    status: 200,
    problems: ['etag: is missing'],
    requestId: 'id'
  })
})

t.test('map and chainEither change a decoded value, or reject it', async (t) => {
  const status = pipe(
    head,
    D.map((n) => n + 1)
  )
  t.same(await decodeResponse(t, status, {}), E.right(201))
  const doubted = pipe(
    head,
    D.chainEither((n, response) => E.left(D.decodeError(response, [`${n} is odd`])))
  )
  t.match(left(await decodeResponse(t, doubted, {})), { _tag: 'DecodeError', problems: ['200 is odd'] })
})

// -- refusals --
const errorXml = `<?xml version='1.0' encoding='utf-8' ?>
<Error>
  <Code>NoSuchKey</Code>
  <Message>The specified key does not exist.</Message>
  <Resource>examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/a.txt</Resource>
  <RequestId>NjYwMWE5</RequestId>
  <TraceId>ZXhhbXBs</TraceId>
</Error>`

t.test('rejectErrors passes any 2xx to the decoder, and no other status', async (t) => {
  for (const status of [200, 201, 202, 204, 206])
    t.same(await decodeResponse(t, D.rejectErrors(head), { status }), E.right(status))
  for (const status of [301, 302, 304, 400, 404, 500, 503]) {
    t.match(await decodeRefusal(t, { status }), { _tag: 'ServiceError', status }, String(status))
  }
})

t.test('an XML error body becomes a ServiceError with all of its fields', async (t) => {
  t.same(
    await decodeRefusal(t, {
      status: 404,
      headers: { 'x-cos-request-id': 'other', connection: 'close', date: 'd' },
      chunks: [errorXml]
    }),
    {
      _tag: 'ServiceError',
      context: specContext,
      status: 404,
      code: 'NoSuchKey',
      message: 'The specified key does not exist.',
      resource: 'examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/a.txt',
      requestId: 'NjYwMWE5',
      traceId: 'ZXhhbXBs',
      headers: { 'x-cos-request-id': 'other', connection: 'close', date: 'd', 'transfer-encoding': 'chunked' }
    }
  )
})

t.test('fields that an error body lacks are taken from the headers', async (t) => {
  const headers = { 'x-cos-request-id': 'id', 'x-cos-trace-id': 'trace' }
  t.match(
    await decodeRefusal(t, { status: 404, headers, chunks: ['<Error><Code>NoSuchKey</Code></Error>'] }),
    {
      code: 'NoSuchKey',
      message: '',
      resource: '',
      requestId: 'id',
      traceId: 'trace'
    }
  )
  t.match(
    await decodeRefusal(t, { status: 403, chunks: ['<Error><Code>X</Code><HostId>host</HostId></Error>'] }),
    {
      requestId: '',
      traceId: 'host'
    }
  )
  t.match(await decodeRefusal(t, { status: 409, chunks: ['<Error><Message>only words</Message></Error>'] }), {
    code: 'Conflict',
    message: 'only words'
  })
})

t.test(
  'an error body that is cut short or malformed becomes a ServiceError of its complete fields',
  async (t) => {
    const half = errorXml.slice(0, errorXml.indexOf('</Resource>'))
    const known = {
      _tag: 'ServiceError',
      status: 503,
      code: 'NoSuchKey',
      message: /does not exist/,
      resource: ''
    }
    t.match(await decodeRefusal(t, { status: 503, chunks: [half] }), known, 'cut short')
    t.match(
      await decodeRefusal(t, { status: 503, chunks: [half], ends: 'cut' }),
      known,
      'and the connection broke'
    )
    t.match(
      await decodeRefusal(t, { status: 503, chunks: [`${half}&nope;`, errorXml] }),
      known,
      'and then nonsense'
    )
    for (const start of ['<Err', '<Error><Code>No', '<?xml version="1.0"?><Error><Code'])
      t.match(await decodeRefusal(t, { status: 503, chunks: [start], ends: 'cut' }), {
        code: 'ServiceUnavailable',
        message: ''
      })
  }
)

t.test('the JSON error of a gateway is read in either spelling', async (t) => {
  const responses: ReadonlyArray<readonly [json: unknown, expected: object]> = [
    [
      { code: 'Busy', message: 'later', requestid: 'r' },
      { code: 'Busy', message: 'later', requestId: 'r' }
    ],
    [
      { Code: 'Busy', Message: 'later', RequestId: 'r' },
      { code: 'Busy', message: 'later', requestId: 'r' }
    ],
    [
      { code: -1, message: 'no' },
      { code: '-1', message: 'no' }
    ],
    [{ error: 'odd' }, { code: 'ServiceUnavailable', message: '{"error":"odd"}' }],
    [[1], { code: 'ServiceUnavailable', message: '[1]' }],
    [
      { code: {}, message: 'no' },
      { code: 'ServiceUnavailable', message: '{"code":{},"message":"no"}' }
    ]
  ]
  for (const [json, expected] of responses)
    t.match(await decodeRefusal(t, { status: 503, chunks: [JSON.stringify(json)] }), expected)
})

t.test(
  'the start of an HTML page or plain text becomes the message, and a header may name the code',
  async (t) => {
    const html = `<!DOCTYPE html>\n<html><head><title>502</title></head>${'<p>x</p>'.repeat(200)}`
    const page = await decodeRefusal(t, { status: 502, chunks: [html] })
    t.match(page, { status: 502, code: 'Unknown', message: /^<!DOCTYPE html> <html>/ })
    t.equal(page._tag === 'ServiceError' && page.message.length, 300)
    t.match(
      await decodeRefusal(t, {
        status: 400,
        headers: { 'x-cos-error-code': 'BadVector' },
        chunks: ['too long']
      }),
      {
        code: 'BadVector',
        message: 'too long'
      }
    )
    t.match(await decodeRefusal(t, { status: 500, chunks: [Uint8Array.of(0xff, 0xfe)] }), {
      code: 'InternalError'
    })
  }
)

t.test('an error without a body has the code of its status', async (t) => {
  const names = {
    304: 'NotModified',
    400: 'InvalidRequest',
    403: 'AccessDenied',
    404: 'NoSuchResource',
    405: 'MethodNotAllowed',
    412: 'PreconditionFailed',
    416: 'InvalidRange',
    503: 'ServiceUnavailable',
    520: 'Unknown'
  }
  for (const [status, code] of Object.entries(names)) {
    const response = {
      status: Number(status),
      headers: { 'x-cos-request-id': 'id', 'content-type': 'application/xml' }
    }
    const known = { _tag: 'ServiceError', status: Number(status), code, message: '', requestId: 'id' }
    t.match(await decodeRefusal(t, response, { method: 'HEAD' }), known, `HEAD ${status}`)
    t.match(await decodeRefusal(t, response), known, `GET ${status}`)
  }
})

t.test('a huge error body is not read to its end', async (t) => {
  const { response, written, closed } = await serveResponse(t, {
    status: 500,
    headers: { 'content-length': String(10 * mebi) },
    chunks: ['<Error><Code>Huge</Code><Message>', ...Array<string>(160).fill('x'.repeat(64 * 1024))]
  })
  t.match(left(await D.rejectErrors(head)(response)()), { _tag: 'ServiceError', status: 500, code: 'Huge' })
  t.equal(await closed, 'early')
  t.ok(written() < 8 * mebi, `${written()} bytes of 10 MiB left the server`)
})

t.test(
  'an error whose body stalls is reported from its head; if the caller aborts, it is Aborted',
  async (t) => {
    for (const [reason, tag] of [
      [{ _tag: 'Timeout', context: specContext, host: '', phase: 'idle', after: 1 }, 'ServiceError'],
      [{ _tag: 'Timeout', context: specContext, host: '', phase: 'overall', after: 1 }, 'Timeout'],
      [{ _tag: 'Aborted', context: specContext, reason: 'enough' }, 'Aborted']
    ] as const) {
      const response = await fetchResponse(t, {
        status: 503,
        chunks: ['<Error><Code>SlowDown</Code>'],
        ends: 'open'
      })
      const rejection = D.rejectErrors(head)(response)()
      await waitFor(() => response.body.readableDidRead)
      response.body.destroy(new CosException(reason))
      const error = left(await rejection)
      t.equal(error._tag, tag)
      if (error._tag === 'ServiceError') t.equal(error.code, 'SlowDown')
    }
  }
)

// -- XML --
const Result = io.type({ ETag: io.string, Owner: io.type({ ID: io.string }) })
const result = '<Result xmlns="http://x"><ETag>&quot;x&quot;</ETag><Owner><ID>7</ID></Owner><New/></Result>'
const xml = D.fromXml('Result', Result)

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
    await decodeResponse(t, D.document('A'), xmlResponse('<A><B>1</B><C/><B>2</B></A>'))
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
  const row = `<Row>${'x'.repeat(512 * 1024)}</Row>`
  const { response, closed } = await serveResponse(t, {
    chunks: (function* () {
      yield '<Result>'
      for (;;) yield row
    })()
  })
  t.match(left(await D.fromXml('Result', io.unknown)(response)()), {
    _tag: 'DecodeError',
    problems: [/64 MiB/]
  })
  t.equal(await closed, 'early')
})

const names = async (response: Response): Promise<ReadonlyArray<string>> =>
  (await toArray(D.xmlRows('Result', response))).flat().map((row) => row.name)

t.test('xmlRows yields each row as it arrives', async (t) => {
  const { opened, open } = createGate()
  const response = await fetchResponse(t, { chunks: ['<Result><A/>', opened, '<B/></Result>'] })
  const rows = D.xmlRows('Result', response)
  t.match(await rows.next(), { value: [{ name: 'A' }] }, 'the first one before the second is sent')
  open()
  t.match(await rows.next(), { value: [{ name: 'B' }] })
  t.match(await rows.next(), { done: true })
})

t.test('rows before an error are yielded before it, and the error is reported at once', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['<Result><A/><B/>&nope;'], ends: 'open' })
  const rows = D.xmlRows('Result', response)
  t.match(await rows.next(), { value: [{ name: 'A' }, { name: 'B' }] })
  t.match(await catchCosError(rows.next()), { _tag: 'DecodeError' })
  t.equal(await closed, 'early')
})

t.test('a reader that stops closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['<Result><A/>'], ends: 'open' })
  for await (const rows of D.xmlRows('Result', response)) {
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

t.test('the checksum of the sent body is available to a decoder', async (t) => {
  const requested = { sent: { size: 3, crc64: O.some(7n) } }
  const decode: D.Decoder<bigint> = pipe(
    head,
    D.chainEither((_, { sent }) =>
      pipe(
        sent.crc64,
        E.fromOption(() => {
          throw new Error('none')
        })
      )
    )
  )
  t.same(await decodeResponse(t, decode, {}, requested), E.right(7n))
})
