import { once } from 'node:events'
import t from 'tap'
import { CosException } from '../../../lib/core/error.js'
import type { Response } from '../../../lib/core/response.js'
import { trackBody } from '../../../lib/operations/responses/tracked-body.js'
import { left, right, serveResponse, specContext } from '../../support/responses.js'
import { becomesTrue } from '../../support/wait-for.js'
import { settlesWithin } from '../../support/settles-within.js'

/** Passes a body on, and returns how many bytes it was. */
async function* countBytes({ body }: Response): AsyncGenerator<Uint8Array, number, undefined> {
  let size = 0
  const bytes: AsyncIterable<Uint8Array> = body
  for await (const chunk of bytes) {
    size += chunk.length
    yield chunk
  }
  return size
}

const trackCounted = (response: Response) => trackBody(response, () => -1, countBytes(response))

t.test('the outcome is the return value of the generator', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['1234', 5, '56789'] })
  const { bytes, outcome } = trackCounted(response)
  t.equal((await bytes.toArray()).join(''), '123456789')
  t.equal(right(await outcome()), 9)
  t.equal(right(await outcome()), 9, 'requested again')
  t.equal(await closed, 'whole')
})

t.test('a cut body fails the stream and the outcome', async (t) => {
  const { response } = await serveResponse(t, { chunks: ['1234'], ends: 'cut' })
  const { bytes, outcome } = trackCounted(response)
  await t.rejects(bytes.toArray(), { name: 'CosException', error: { _tag: 'TransportError' } })
  t.match(left(await outcome()), { _tag: 'TransportError', context: specContext })
})

t.test('an error of the generator fails the stream and the outcome, and closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['1234'], ends: 'open' })
  const reason = { _tag: 'Aborted', context: specContext, reason: 'enough' } as const
  async function* rejectAll(): AsyncGenerator<Uint8Array, number, undefined> {
    for await (const chunk of countBytes(response)) {
      yield chunk
      throw new CosException(reason)
    }
    return 0
  }
  const { bytes, outcome } = trackBody(response, () => -1, rejectAll())
  await t.rejects(bytes.toArray(), { name: 'CosException', error: reason })
  t.same(left(await outcome()), reason)
  t.equal(await closed, 'early')
})

t.test('destroying a stalled stream closes the connection at once', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['1234'], ends: 'open' })
  const { bytes, outcome } = trackCounted(response)
  await once(bytes, 'readable')
  bytes.read()
  bytes.destroy()
  t.ok(await settlesWithin(100, Promise.all([outcome(), closed])))
  t.equal(right(await outcome()), -1)
  t.equal(await closed, 'early')
})

t.test('destroying an unread stream closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['1234'], ends: 'open' })
  const { bytes, outcome } = trackCounted(response)
  bytes.destroy()
  t.equal(right(await outcome()), -1)
  t.equal(await closed, 'early')
})

t.test('a body that fails before it is read fails the first read, and not the process', async (t) => {
  const { response } = await serveResponse(t, { chunks: ['1234'], ends: 'cut' })
  const { bytes, outcome } = trackCounted(response)
  response.body.resume().pause()
  t.ok(await becomesTrue(() => response.body.errored !== null))
  t.match(left(await outcome()), { _tag: 'TransportError' })
  await t.rejects(bytes.toArray(), { name: 'CosException', error: { _tag: 'TransportError' } })
})
