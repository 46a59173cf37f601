import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { Dispatcher } from 'undici'
import { createClient, createClientOn } from '../../lib/client/client.js'
import { version } from '../../lib/client/version.js'
import { formatError } from '../../lib/core/format-error.js'
import { systemRuntime } from '../../lib/core/runtime.js'
import { credentials, left, right } from '../support/server.js'

const region = 'ap-guangzhou'

t.test("userAgent comes before the library's own name and version", async (t) => {
  t.equal(right(createClient({ region, credentials })).userAgent, `cospipe/${version}`)
  t.equal(
    right(createClient({ region, credentials, userAgent: 'app/1' })).userAgent,
    `app/1 cospipe/${version}`
  )
})

t.test('on Bun a client without a dispatcher is an InvalidInput', async (t) => {
  const create = createClientOn({ ...process.versions, bun: '1.3.0' })
  const failed = left(create({ region, credentials }))
  t.match(failed, { _tag: 'InvalidInput', field: 'dispatcher', problem: 'missing' })
  t.match(formatError(failed), /createClient: dispatcher: is required on Bun, .*; use Node$/)
  t.ok(E.isRight(create({ region, credentials, dispatcher: new Dispatcher() })))
})

t.test('a dispatcher without methods, as that of the undici of Bun, is an InvalidInput', async (t) => {
  const shim = Object.assign(new Dispatcher(), { dispatch: undefined })
  t.match(left(createClient({ region, credentials, dispatcher: shim })), {
    _tag: 'InvalidInput',
    field: 'dispatcher'
  })
})

t.test(
  'the runtime of a client sets its clock, the random waits of its retries and its random bytes',
  async (t) => {
    const runtime = {
      ...systemRuntime,
      now: () => 5,
      random: () => 0.25,
      randomBytes: () => Buffer.from('r')
    }
    const client = right(createClient({ region, credentials, runtime }))
    t.equal(client.clock.now(), 5)
    t.equal(client.retry.random(), 0.25)
    t.same(client.random(1), Buffer.from('r'))
    const { elapsed: _, ...incomplete } = systemRuntime
    // @ts-expect-error a program in JavaScript may leave a function out
    t.match(left(createClient({ region, credentials, runtime: incomplete })), { field: 'runtime' })
  }
)
