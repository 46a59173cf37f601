import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { systemRuntime } from '../../../lib/core/runtime.js'
import { contextWithoutObject } from '../../../lib/core/error.js'
import type { Client } from '../../../lib/client/client.js'
import { downloadFile } from '../../../lib/transfers/download/download-file.js'
import { downloadStream } from '../../../lib/transfers/download/download-stream.js'
import { limitWaiting } from '../../../lib/transfers/download/fetch-part.js'
import { toArray } from '../../support/iterables.js'
import {
  at,
  assertUntouched,
  bytes,
  createDownloadFixture,
  type DownloadFixture
} from '../../support/download-fixture.js'
import { catchCosError } from '../../support/responses.js'
import { left, right } from '../../support/server.js'

const context = contextWithoutObject('spec')
const MiB = 1024 * 1024

/** Chunks after a wait each, until the signal fires. */
const slowly = (size: number, pause: number, count: number) =>
  async function* (signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    for (let n = 0; n < count; n += 1) {
      await setTimeout(pause, undefined, { signal }).catch(() => {
        throw signal.reason
      })
      yield Buffer.alloc(size)
    }
  }

t.test('limitWaiting fails with Timeout after the limit, also after earlier bytes', async (t) => {
  const start = performance.now()
  t.match(await catchCosError(toArray(limitWaiting(systemRuntime, context, 100, slowly(1, 10, 1000)))), {
    _tag: 'Timeout',
    phase: 'overall',
    after: 100
  })
  t.ok(performance.now() - start < 5000)
})

t.test('limitWaiting starts the limit again after each 8 MiB', async (t) => {
  const chunks = await toArray(limitWaiting(systemRuntime, context, 400, slowly(8 * MiB, 100, 8)))
  t.equal(chunks.length, 8)
})

t.test('limitWaiting does not count the time of its consumer', async (t) => {
  let count = 0
  for await (const _ of limitWaiting(systemRuntime, context, 100, slowly(1, 1, 3))) {
    await setTimeout(80)
    count += 1
  }
  t.equal(count, 3)
})

t.test('limitWaiting closes its source if the consumer stops', async (t) => {
  let isClosed = false
  const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) yield Buffer.alloc(1)
    } finally {
      isClosed = true
    }
  }
  for await (const _ of limitWaiting(systemRuntime, context, 1000, source)) break
  t.ok(isClosed)
})

/** A server that closes each connection after one byte. */
const startTrickling = async (
  t: Parameters<typeof createDownloadFixture>[0]
): Promise<DownloadFixture & { readonly slow: Client }> => {
  const here = await createDownloadFixture(t, {
    fault: ({ operation }) => (operation === 'GetObject' ? { cut: { at: 'body', after: 1 } } : undefined)
  })
  return { ...here, slow: here.client({ timeouts: { overall: 20_000 }, retry: { base: 5, cap: 10 } }) }
}

t.test('a server that sends one byte for each request does not get requests for ever', async (t) => {
  const here = await startTrickling(t)
  const input = { ...here.input, checkpoint: false } as const
  t.match(left(await downloadFile(input)(here.slow)()), { _tag: 'TransportError' })
  await assertUntouched(t, here)

  const { body } = right(await downloadStream(at)(here.slow)())
  t.match(await catchCosError(toArray(body)), { _tag: 'TransportError' })
})

t.test('a reader slower than the deadline gets the whole object', async (t) => {
  const here = await createDownloadFixture(t)
  const slow = here.client({ timeouts: { overall: 1500 } })
  const down = right(await downloadStream({ ...at, partSize: 100_000 })(slow)())
  let received = 0
  for await (const chunk of down.body) {
    received += (chunk as Uint8Array).length
    if (received < 300_000) await setTimeout(600)
  }
  t.equal(received, bytes.length)
})
