import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { systemRuntime } from '../../lib/core/runtime.js'
import { sleepUnlessAborted } from '../../lib/client/abort.js'
import { contextWithoutObject } from '../../lib/core/error.js'
import { settlesWithin } from '../support/settles-within.js'

const context = contextWithoutObject('Spec')

t.test('a sleep ends after its time', async (t) => {
  const start = performance.now()
  t.same(await sleepUnlessAborted(30, { signals: [], runtime: systemRuntime }, context)(), E.right(undefined))
  t.ok(performance.now() - start >= 29)
})

t.test('a sleep fails at once if a signal fires or has fired', async (t) => {
  const controller = new AbortController()
  const signals = [new AbortController().signal, controller.signal]
  const slept = sleepUnlessAborted(60_000, { signals, runtime: systemRuntime }, context)()
  controller.abort('enough')
  t.ok(await settlesWithin(50, slept))
  t.match(await slept, E.left({ _tag: 'Aborted', reason: 'enough' }))
  const again = sleepUnlessAborted(60_000, { signals, runtime: systemRuntime }, context)()
  t.ok(await settlesWithin(50, again))
  t.match(await again, E.left({ _tag: 'Aborted', reason: 'enough' }))
})
