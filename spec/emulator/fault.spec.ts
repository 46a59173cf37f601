/** Faults as data: capacity. */
import t from 'tap'
import { capacity, type FaultInput } from '../../lib/emulator/index.js'
import { sendRequest, startTestEmulator } from '../support/signed.js'
import { waitFor } from '../support/wait-for.js'

const request = (serving: number): FaultInput => ({
  ...{ operation: 'GetObject', method: 'GET', bucket: 'b-1', key: 'k', query: {}, headers: {}, count: 1 },
  serving
})

t.test('capacity refuses requests beyond the limit of the current step', (t) => {
  let time = 0
  const refuse = capacity([{ limit: 2, duration: 100 }, { limit: 4, requests: 3 }, { limit: 1 }], () => time)
  const isRefused = (serving: number): boolean => refuse(request(serving)) !== undefined
  t.strictSame([0, 1, 2, 9].map(isRefused), [false, false, true, true], 'two at a time')
  t.match(refuse(request(2)), { response: { status: 503, code: 'SlowDown' } })
  time = 99
  t.equal(isRefused(2), true, 'until the step is over')
  time = 100
  t.strictSame([3, 4, 3].map(isRefused), [false, true, false], 'four at a time, for three requests')
  t.strictSame([0, 1].map(isRefused), [false, true], 'then one at a time')
  time = 1e9
  t.equal(isRefused(1), true, 'the last step without an end lasts')
  t.end()
})

t.test('capacity passes over steps in which no request came, and has no limit after the last', (t) => {
  let time = 0
  const refuse = capacity(
    [
      { limit: 9, duration: 10 },
      { limit: 9, duration: 10 },
      { limit: 0, duration: 10 }
    ],
    () => time
  )
  t.equal(refuse(request(0)), undefined)
  time = 25
  t.not(refuse(request(0)), undefined, 'the third step')
  time = 30
  t.equal(refuse(request(100)), undefined)
  t.end()
})

t.test(
  'an emulator with a capacity counts the requests that it serves, and not those that it refuses',
  async (t) => {
    const limit = capacity([{ limit: 2 }])
    let served = 0
    const emulator = await startTestEmulator(t, {
      fault: (input) => {
        const fault = limit(input)
        if (fault !== undefined) return fault
        served += 1
        return served <= 2 ? { delay: 500 } : undefined
      }
    })
    const send = () => sendRequest(emulator, { key: 'k' }).then(({ status }) => status)
    const first = [send(), send()]
    await waitFor(() => served === 2)
    t.same(await Promise.all([send(), send()]), [503, 503])
    t.same(await Promise.all(first), [404, 404])
    t.equal(await send(), 404, 'those that are done do not count')
  }
)
