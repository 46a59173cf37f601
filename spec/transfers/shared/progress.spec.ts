import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { createProgressWith } from '../../../lib/stages/progress.js'
import { withProgress, reportPartsOf, withoutEnd } from '../../../lib/transfers/shared/progress.js'
import { validateFields } from '../../support/operations.js'

const meterOf = () => createProgressWith({ total: O.none, clock: () => 0 })
const { signal } = new AbortController()

t.test('a call is told to the meter where there is one, and is itself where there is none', async (t) => {
  const meter = meterOf()
  const move = ({ size }: { readonly size: number }) => TE.right(size)
  t.same(await reportPartsOf({ progress: meter })(move)({ size: 7 }, signal)(), E.right(7))
  t.match(meter.read(), { transferred: 7, parts: { inFlight: 0, done: 1 } })
  t.equal(reportPartsOf({})(move), move)
})

t.test('the meter of many transfers outlives each of them', async (t) => {
  const meter = meterOf()
  const one = withoutEnd({ progress: meter }).progress
  one?.end()
  one?.tell({ _tag: 'Moved', size: 1 })
  const reader = meter[Symbol.asyncIterator]()
  t.match(await reader.next(), { done: false, value: { transferred: 1 } })
  meter.end()
  t.match([await reader.next(), await reader.next()], [{ done: false }, { done: true }])
  t.same(withoutEnd({}), {})
})

t.test('a meter is what createMeter makes', async (t) => {
  t.ok(E.isRight(validateFields(withProgress)({ progress: meterOf() })))
  t.match(validateFields(withProgress)({ progress: () => 1 }), E.left(/^progress: a meter/))
})
