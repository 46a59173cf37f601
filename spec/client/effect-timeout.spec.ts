import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { systemRuntime } from '../../lib/core/runtime.js'
import { withTimeout } from '../../lib/client/combinators.js'
import { holdTimeouts, startEffectTimeout } from '../../lib/client/effect-timeout.js'
import { send } from '../../lib/client/send.js'
import { getObject } from '../../lib/operations/get-object.js'
import { downloadStream } from '../../lib/transfers/download/download-stream.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { bytesOf } from '../support/bytes.js'
import { bucket, startCos } from '../support/cos.js'
import { from } from '../support/iterables.js'
import { catchCosError, right } from '../support/responses.js'

const MiB = 1024 * 1024

t.test('a timeout that nobody holds is stopped when its effect settles', async (t) => {
  const deadline = startEffectTimeout(systemRuntime, 10)
  holdTimeouts([deadline.signal])()
  deadline.settle()
  await setTimeout(30)
  t.notOk(deadline.signal.aborted)
})

t.test('a timeout that is held fires after its effect has settled', async (t) => {
  const deadline = startEffectTimeout(systemRuntime, 20)
  const other = new AbortController().signal
  const releases = [holdTimeouts([deadline.signal, other]), holdTimeouts([deadline.signal])]
  deadline.settle()
  releases[0]?.()
  releases[0]?.()
  await setTimeout(60)
  t.match(deadline.signal.reason, { error: { _tag: 'Timeout', phase: 'overall', after: 20 } })
})

t.test('the last holder that leaves stops the timer', async (t) => {
  const deadline = startEffectTimeout(systemRuntime, 20)
  const releases = [holdTimeouts([deadline.signal]), holdTimeouts([deadline.signal])]
  deadline.settle()
  for (const release of releases) release()
  await setTimeout(60)
  t.notOk(deadline.signal.aborted)
})

t.test(
  'withTimeout ends the body of getObject and of downloadStream, and a body that ended in time is whole',
  async (t) => {
    let isStalled = true
    const cos = await startCos(t, {
      fault: ({ operation }) =>
        operation === 'GetObject' && isStalled ? { stall: { after: MiB / 2, pause: 60_000 } } : undefined
    })
    const client = cos.client()
    const at = { bucket, key: 'a' }
    right(await uploadStream(at)(from(bytesOf(MiB)))(client)())
    const bodies = {
      getObject: pipe(
        send(getObject(at)),
        RTE.map(({ body }) => body)
      ),
      downloadStream: pipe(
        downloadStream(at),
        RTE.map(({ body }) => body)
      )
    }
    for (const [name, effect] of Object.entries(bodies)) {
      isStalled = true
      const body = right(await withTimeout(300)(effect)(client)())
      t.match(await catchCosError(text(body)), { _tag: 'Timeout', phase: 'overall', after: 300 }, name)
      isStalled = false
      t.equal((await text(right(await withTimeout(60_000)(effect)(client)()))).length > 0, true, name)
    }
  }
)
