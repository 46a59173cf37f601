import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { tryTask } from '../../lib/core/try-task.js'

t.test('tryTask runs at each call, and returns a value or the mapped error', async (t) => {
  let calls = 0
  const count = tryTask(async () => (calls += 1), String)
  t.equal(calls, 0)
  t.same(await count(), E.right(1))
  t.same(await count(), E.right(2))
  t.same(await tryTask(() => Promise.reject(new Error('disk')), String)(), E.left('Error: disk'))
})

t.test('tryTask maps the error of a function that throws before its promise', async (t) => {
  const failing = tryTask((): Promise<number> => {
    throw new Error('at once')
  }, String)
  t.same(await failing(), E.left('Error: at once'))
})
