import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { callSafely } from '../../lib/core/call-safely.js'

t.test('an error is ignored, whether thrown or rejected', async (t) => {
  const calls: Array<string> = []
  callSafely(() => {
    calls.push('thrown')
    throw new Error('broken')
  })
  callSafely(async () => {
    calls.push('rejected')
    throw new Error('broken')
  })
  callSafely(() => calls.push('fine'))
  await setTimeout(5)
  t.same(calls, ['thrown', 'rejected', 'fine'])
})
