import { createServer } from 'node:http'
import t from 'tap'
import { Agent } from 'undici'
import { withSignal } from '../../lib/client/combinators.js'
import { send } from '../../lib/client/send.js'
import { bytesOf } from '../support/bytes.js'
import { listen } from '../support/listen.js'
import { waitFor } from '../support/wait-for.js'
import { probePut } from '../support/minimal-operations.js'
import { at, clientOf, left, sendServiceError, right, startServer } from '../support/server.js'

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

/** A server that responds to `Expect: 100-continue`. */
const startExpecting = async (t: Teardown, says: 'yes' | 'no' | 'nothing') => {
  const seen = { bytes: 0, expects: 0 }
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (seen.bytes += chunk.length)).on('end', () => response.end('done'))
  })
  server.on('checkContinue', (request, response) => {
    seen.expects += 1
    if (says === 'no') return sendServiceError(response, 403, 'AccessDenied')
    if (says === 'yes') response.writeContinue()
    server.emit('request', request, response)
  })
  const { address } = await listen(t, server)
  return { seen, client: clientOf(t, address) }
}

const body = bytesOf(3_000_000)

t.test('the body is sent after a 100', async (t) => {
  const { seen, client } = await startExpecting(t, 'yes')
  const put = right(await send(probePut({ ...at, body, expectContinue: true }))(client())())
  t.same([put.text, put.sent.size, seen], ['done', body.length, { bytes: body.length, expects: 1 }])
})

t.test('after a refusal no byte of the body is sent', async (t) => {
  const { seen, client } = await startExpecting(t, 'no')
  t.match(left(await send(probePut({ ...at, body, expectContinue: true }))(client())()), {
    _tag: 'ServiceError',
    code: 'AccessDenied'
  })
  t.same(seen, { bytes: 0, expects: 1 })
})

t.test('the body is sent after one second without a response', async (t) => {
  const { seen, client } = await startExpecting(t, 'nothing')
  const began = performance.now()
  right(await send(probePut({ ...at, body: 'hello', expectContinue: true }))(client())())
  t.ok(performance.now() - began >= 950)
  t.equal(seen.bytes, 5)
})

t.test('a request with expectContinue is aborted by its signal, and fails with its source', async (t) => {
  const silent = await startServer(t, () => undefined)
  const controller = new AbortController()
  const result = withSignal(controller.signal)(send(probePut({ ...at, body, expectContinue: true })))(
    silent.client()
  )()
  await waitFor(() => silent.received.length === 1)
  controller.abort()
  t.match(left(await result), { _tag: 'Aborted' })

  const { client } = await startExpecting(t, 'yes')
  const broken = {
    size: 10,
    async *open() {
      yield Buffer.from('half')
      throw new Error('disk')
    }
  }
  t.match(left(await send(probePut({ ...at, body: broken, expectContinue: true }))(client())()), {
    _tag: 'SourceError',
    cause: { message: 'disk' }
  })
})

t.test("expectContinue is InvalidInput if the dispatcher is the caller's", async (t) => {
  const { seen, client } = await startExpecting(t, 'yes')
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  t.match(left(await send(probePut({ ...at, body, expectContinue: true }))(client({ dispatcher }))()), {
    _tag: 'InvalidInput',
    field: 'expectContinue'
  })
  t.equal(seen.expects, 0)
})
