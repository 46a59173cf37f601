import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { createProgressWith } from '../../../lib/stages/progress.js'
import { withProgress, reportPartsOf, withoutEnd } from '../../../lib/transfers/shared/progress.js'
import { validateFields } from '../../support/operations.js'

const newProgress = () => createProgressWith({ total: O.none, clock: () => 0 })
const { signal } = new AbortController()

t.test(
  'reportPartsOf reports parts if there is a progress, and returns the call itself if there is none',
  async (t) => {
    const progress = newProgress()
    const move = ({ size }: { readonly size: number }) => TE.right(size)
    t.same(await reportPartsOf({ progress })(move)({ size: 7 }, signal)(), E.right(7))
    t.match(progress.read(), { transferred: 7, parts: { inFlight: 0, done: 1 } })
    t.equal(reportPartsOf({})(move), move)
  }
)

t.test('withoutEnd: the end of one transfer does not end the progress of the others', async (t) => {
  const progress = newProgress()
  const one = withoutEnd({ progress }).progress
  one?.end()
  one?.report({ _tag: 'Moved', size: 1 })
  const reader = progress[Symbol.asyncIterator]()
  t.match(await reader.next(), { done: false, value: { transferred: 1 } })
  progress.end()
  t.match([await reader.next(), await reader.next()], [{ done: false }, { done: true }])
  t.same(withoutEnd({}), {})
})

t.test('progress is validated: a value that createProgress did not make is refused', async (t) => {
  t.ok(E.isRight(validateFields(withProgress)({ progress: newProgress() })))
  t.match(
    validateFields(withProgress)({ progress: () => 1 }),
    E.left(/^progress: must be a Progress made by createProgress/)
  )
})
