import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import type { Client } from '../../lib/client/client.js'
import { withSignal } from '../../lib/client/combinators.js'
import { run, send } from '../../lib/client/send.js'
import { probePut } from '../support/minimal-operations.js'
import { at, left, sendServiceError, right, startServer } from '../support/server.js'
import { becomesTrue } from '../support/wait-for.js'

const settle = async (effect: (client: Client) => () => Promise<unknown>, client: Client): Promise<unknown> =>
  effect(client)()

/** The uncaught errors of this process until the test ends. */
const collectUncaught = (t: {
  readonly teardown: (clean: () => unknown) => unknown
}): ReadonlyArray<Error> => {
  const errors: Array<Error> = []
  const others = process.listeners('uncaughtException')
  const listen = (error: Error): void => {
    errors.push(error)
  }
  process.removeAllListeners('uncaughtException').on('uncaughtException', listen)
  t.teardown(() => {
    process.removeListener('uncaughtException', listen)
    for (const other of others) process.on('uncaughtException', other)
  })
  return errors
}

t.test('a stream that fails before it is read is an error, and does not end the process', async (t) => {
  const errors = collectUncaught(t)
  const server = await startServer(t, (_, response) => response.end())
  const slow = server.client({
    credentials: async () => {
      await setTimeout(50)
      return E.left('no credentials')
    }
  })
  const openMissing = () => createReadStream('/nowhere')
  t.match(left(await send(probePut({ ...at, body: openMissing() }))(server.client())()), {
    _tag: 'SourceError',
    cause: { code: 'ENOENT' }
  })
  for (const [tag, key, client] of [
    ['InvalidInput', '', server.client()],
    ['CredentialsError', at.key, slow]
  ] as const) {
    t.match(left(await send(probePut({ ...at, key, body: openMissing() }))(client)()), { _tag: tag })
  }
  await setTimeout(50)
  t.same(errors, [])
  t.notOk(server.received.some(({ method }) => method === 'PUT'))
})

t.test('a stream is destroyed whenever the call fails', async (t) => {
  const server = await startServer(t, (_, response) => {
    sendServiceError(response, 403, 'AccessDenied')
  })
  const never = () => new Promise<never>(() => undefined)
  const cases: ReadonlyArray<readonly [string, (body: Readable) => Promise<unknown>]> = [
    ['invalid input', (body) => settle(send(probePut({ ...at, key: '', body })), server.client())],
    [
      'a signal that has fired',
      (body) => settle(withSignal(AbortSignal.abort())(send(probePut({ ...at, body }))), server.client())
    ],
    [
      'no credentials',
      (body) =>
        settle(send(probePut({ ...at, body })), server.client({ credentials: async () => E.left('none') }))
    ],
    [
      'a signal during the fetch of credentials',
      (body) =>
        settle(
          withSignal(AbortSignal.timeout(20))(send(probePut({ ...at, body }))),
          server.client({ credentials: never })
        )
    ],
    ['enableMd5', (body) => settle(send(probePut({ ...at, body, enableMd5: true })), server.client())],
    ['a refusal', (body) => settle(send(probePut({ ...at, body })), server.client())]
  ]
  for (const [name, call] of cases) {
    const body = createReadStream(import.meta.filename)
    t.match(await call(body), { _tag: 'Left' }, name)
    t.ok(await becomesTrue(() => body.destroyed), `destroyed after ${name}`)
  }
  let isClosed = false
  const generator = (async function* () {
    try {
      yield Buffer.from('x')
      await never()
    } finally {
      isClosed = true
    }
  })()
  await generator.next()
  await settle(send(probePut({ ...at, key: '', body: generator })), server.client())
  t.ok(await becomesTrue(() => isClosed), 'a generator is closed')
})

t.test('a source that was read before is a SourceError, and nothing is sent', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const client = server.client()
  const bytes = Buffer.from('0123456789')
  const read = Readable.from([bytes, bytes])
  for await (const _ of read.iterator({ destroyOnReturn: false })) break
  const destroyed = Readable.from([bytes])
  destroyed.destroy()
  const locked = new Blob([bytes]).stream()
  locked.getReader()
  const disturbed = new Blob([bytes]).stream()
  const reader = disturbed.getReader()
  await reader.read()
  reader.releaseLock()
  for (const [name, body] of Object.entries({ read, destroyed, locked, disturbed })) {
    t.match(left(await send(probePut({ ...at, body }))(client)()), { _tag: 'SourceError' }, name)
  }
  t.notOk(server.received.some(({ method }) => method === 'PUT'))
})

t.test('an effect whose source was read by its first run fails in its second', async (t) => {
  const bytes = Buffer.from('0123456789')
  const server = await startServer(t, (_, response) => response.end())
  for (const [name, body] of Object.entries({
    generator: (async function* () {
      yield bytes
    })(),
    'Node stream': Readable.from([bytes]),
    'web stream': new Blob([bytes]).stream()
  })) {
    const task = run(server.client())(send(probePut({ ...at, body })))
    const [first, parallel] = await Promise.all([task(), task()])
    right(first)
    for (const later of [parallel, await task()]) t.match(left(later), { _tag: 'SourceError' }, name)
  }
  t.same(
    server.received.filter(({ method }) => method === 'PUT').map(({ body }) => body.toString()),
    Array.from({ length: 3 }, () => '0123456789')
  )
})

t.test('an iterable that returns a new iterator each time can be sent again', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const body = {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from('again')
    }
  }
  const task = run(server.client())(send(probePut({ ...at, body })))
  right(await task())
  right(await task())
  t.same(
    server.received.filter(({ method }) => method === 'PUT').map(({ body: sent }) => sent.toString()),
    ['again', 'again']
  )
})
