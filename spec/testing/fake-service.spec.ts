import { text } from 'node:stream/consumers'
import t from 'tap'
import { createClient, type ClientConfig } from '../../lib/client/client.js'
import { withSignal } from '../../lib/client/combinators.js'
import { send } from '../../lib/client/send.js'
import { systemRuntime } from '../../lib/core/runtime.js'
import { MiB } from '../../lib/core/limits.js'
import { getObject } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { createFakeService, type FakeRequest } from '../../lib/testing/index.js'
import { bytesOf } from '../support/bytes.js'
import { credentials, left, right } from '../support/server.js'

const at = { bucket: 'examplebucket-1250000000', key: 'k' }
const head = { etag: '"e"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }

type Respond = Parameters<typeof createFakeService>[1]

const clientOf = (respond: Respond, config: Partial<ClientConfig> = {}) =>
  right(
    createClient({
      region: 'ap-guangzhou',
      credentials,
      dispatcher: createFakeService(systemRuntime, respond),
      retry: { base: 0 },
      ...config
    })
  )

t.test('a request has its head and its whole body, from bytes and from a stream', async (t) => {
  const seen: Array<FakeRequest> = []
  const client = clientOf((request) => {
    seen.push(request)
    return { status: 200, headers: { etag: '"e"' } }
  })
  right(await send(putObject({ ...at, body: 'hello' }))(client)())
  right(await send(putObject({ ...at, body: { chunks: [Buffer.from('hel'), Buffer.from('lo')] } }))(client)())
  for (const request of seen) {
    t.match(request, {
      method: 'PUT',
      origin: 'https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com',
      path: '/k',
      headers: { 'content-length': '5' }
    })
    t.equal(Buffer.from(request.body).toString(), 'hello')
  }
  t.same(
    seen.map(({ count }) => count),
    [1, 2]
  )
})

t.test('a body of the response is read with backpressure', async (t) => {
  const bytes = bytesOf(MiB)
  const client = clientOf(() => ({ status: 200, headers: head, body: bytes }))
  const { body } = right(await send(getObject(at))(client)())
  t.equal(await text(body), bytes.toString())
})

t.test('a failure has the code of the connection, and is retried', async (t) => {
  const client = clientOf(({ count }) =>
    count < 3 ? { error: 'ECONNRESET', delay: 1 } : { status: 200, headers: head, body: 'x' }
  )
  t.equal(await text(right(await send(getObject(at))(client)()).body), 'x')
  t.match(left(await send(getObject(at))(clientOf(() => ({ error: 'ECONNREFUSED' })))()), {
    _tag: 'TransportError',
    code: 'ECONNREFUSED'
  })
  const broken = clientOf(() => {
    throw new Error('a mistake of the test')
  })
  t.match(left(await send(getObject(at))(broken)()), { _tag: 'TransportError' })
})

t.test('an abort ends a request that has no response', async (t) => {
  const controller = new AbortController()
  const call = withSignal(controller.signal)(send(getObject(at)))(clientOf(() => ({ delay: 60_000 })))()
  setTimeout(() => controller.abort(), 10)
  t.match(left(await call), { _tag: 'Aborted' })
})
