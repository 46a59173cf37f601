import { pipe } from 'fp-ts/lib/function.js'
import t from 'tap'
import { CosException } from '../../lib/core/error.js'
import { contextOf } from '../../lib/core/operation.js'
import { withSourceErrors } from '../../lib/stages/source-errors.js'
import { from, toArray } from '../support/iterables.js'

const context = contextOf('spec', { bucket: 'b', key: 'k' })

const yieldThenThrow = async function* (thrown: unknown) {
  yield 1
  throw thrown
}

t.test('items pass unchanged and in order', async (t) => {
  t.same(await toArray(withSourceErrors(context)(from(1, 2, 3))), [1, 2, 3])
})

t.test('an error of the source becomes a SourceError', async (t) => {
  const cause = new Error('disk')
  await t.rejects(
    toArray(withSourceErrors(context)(yieldThenThrow(cause))),
    new CosException({ _tag: 'SourceError', context, cause })
  )
})

t.test('a CosException of the source passes unchanged', async (t) => {
  const thrown = new CosException({ _tag: 'Aborted', context, reason: 'spec' })
  await t.rejects(toArray(withSourceErrors(context)(yieldThenThrow(thrown))), thrown)
})

t.test("the signal's reason is not a SourceError", async (t) => {
  const reason = new Error('stopped')
  const stage = withSourceErrors(context, AbortSignal.abort(reason))
  await t.rejects(toArray(stage(yieldThenThrow(reason))), reason)
})

t.test('a reader that stops early closes the source', async (t) => {
  let isClosed = false
  const source = async function* () {
    try {
      yield 1
      yield 2
    } finally {
      isClosed = true
    }
  }
  for await (const _ of pipe(source(), withSourceErrors(context))) break
  t.ok(isClosed)
})
