import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { pipe } from 'fp-ts/lib/function.js'
import t from 'tap'
import * as D from '../../lib/core/decoder.js'
import { CosException, type CosError } from '../../lib/core/error.js'
import { rejectErrors } from '../../lib/core/service-error.js'
import {
  fetchResponse,
  decodeResponse,
  left,
  serveResponse,
  specContext,
  type CannedResponse,
  type ServeOptions
} from '../support/responses.js'
import { waitFor } from '../support/wait-for.js'

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
): Promise<CosError> => left(await decodeResponse(t, rejectErrors(head), response, requested))

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
    t.same(await decodeResponse(t, rejectErrors(head), { status }), E.right(status))
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
  t.match(left(await rejectErrors(head)(response)()), { _tag: 'ServiceError', status: 500, code: 'Huge' })
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
      const rejection = rejectErrors(head)(response)()
      await waitFor(() => response.body.readableDidRead)
      response.body.destroy(new CosException(reason))
      const error = left(await rejection)
      t.equal(error._tag, tag)
      if (error._tag === 'ServiceError') t.equal(error.code, 'SlowDown')
    }
  }
)
