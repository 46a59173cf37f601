import { getEventListeners } from 'node:events'
import t from 'tap'
import { onAbort } from '../../lib/client/on-abort.js'

t.test('onAbort calls each function once with the reason of the signal that fires first', async (t) => {
  const [first, second] = [new AbortController(), new AbortController()]
  const calls: Array<unknown> = []
  for (const name of ['a', 'b'])
    onAbort([first.signal, second.signal], (reason) => calls.push([name, reason]))
  second.abort('second')
  first.abort('first')
  t.same(calls, [
    ['a', 'second'],
    ['b', 'second']
  ])
})

t.test('onAbort calls at once if a signal has fired, and never without signals', async (t) => {
  const calls: Array<unknown> = []
  const push = (reason: unknown): void => void calls.push(reason)
  onAbort([new AbortController().signal, AbortSignal.abort('before')], push)()
  onAbort([], push)()
  t.same(calls, ['before'])
})

t.test(
  'any number of functions are one listener of the signal, and the last that is removed removes it',
  async (t) => {
    const { signal } = new AbortController()
    const removals = Array.from({ length: 20 }, () => onAbort([signal], () => t.fail('called')))
    t.equal(getEventListeners(signal, 'abort').length, 1)
    for (const remove of removals) {
      remove()
      remove()
    }
    t.equal(getEventListeners(signal, 'abort').length, 0)
  }
)

t.test('a function that another one removes while the signal fires is not called', async (t) => {
  const controller = new AbortController()
  const calls: Array<string> = []
  const later: Array<() => void> = []
  onAbort([controller.signal], () => {
    calls.push('first')
    for (const remove of later) remove()
  })
  later.push(onAbort([controller.signal], () => calls.push('second')))
  controller.abort()
  t.same(calls, ['first'])
})
