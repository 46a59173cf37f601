import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { CosError } from '../../../lib/core/error.js'
import { contextOf } from '../../../lib/core/operation.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { createProgressWith } from '../../../lib/stages/progress.js'
import type { WithProgress } from '../../../lib/transfers/shared/progress.js'
import { runTransfer, type Transfer } from '../../../lib/transfers/shared/run-transfer.js'
import { becomesTrue } from '../../support/wait-for.js'
import { clientOf, left, right } from '../../support/server.js'

interface SpecInput extends WithProgress {
  readonly bucket: string
  readonly key: string
}

const input: SpecInput = { bucket: 'examplebucket-1250000000', key: 'k' }
const refused: CosError = {
  _tag: 'InvalidInput',
  context: contextOf('spec', input),
  field: 'key',
  problem: 'invalid',
  message: 'another'
}

const transfer = (use: (it: Transfer<SpecInput>) => Promise<E.Either<CosError, { readonly size: number }>>) =>
  runTransfer<SpecInput, { readonly size: number }>('spec', E.right, use)

const eventsOf = (t: { readonly teardown: (clean: () => unknown) => unknown }): ReadonlyArray<unknown> => {
  const events: Array<unknown> = []
  const listen = (event: unknown): void => void events.push(event)
  subscribe('cospipe:transfer', listen)
  t.teardown(() => unsubscribe('cospipe:transfer', listen))
  return events
}

t.test('start and end are published, and the progress ends', async (t) => {
  const events = eventsOf(t)
  const progress = createProgressWith({ total: O.none, clock: () => 0 })
  const client = clientOf(t, '127.0.0.1:1')()
  t.same(right(await transfer(async () => E.right({ size: 7 }))({ ...input, progress })(client)()), {
    size: 7
  })
  const names = { operation: 'spec', bucket: input.bucket, key: 'k' }
  t.same(events, [
    { ...names, phase: 'start', transferred: 0, error: '' },
    { ...names, phase: 'end', transferred: 7, error: '' }
  ])
  for await (const _ of progress) t.pass('one last snapshot')
})

t.test('an invalid input is a Left, and nothing is published or run', async (t) => {
  const events = eventsOf(t)
  let isRun = false
  const invalid = runTransfer<SpecInput, { readonly size: number }>(
    'spec',
    () => E.left(refused),
    async () => {
      isRun = true
      return E.right({ size: 0 })
    }
  )
  t.equal(left(await invalid(input)(clientOf(t, '127.0.0.1:1')())()), refused)
  t.notOk(isRun)
  t.same(events, [])
})

t.test('resources are released in reverse order, then the failure is cleaned up', async (t) => {
  const steps: Array<string> = []
  const failing = transfer(async ({ defer, onFailure }) => {
    defer(async () => steps.push('first'))
    defer(async () => steps.push('second'))
    onFailure((error) => async () => {
      steps.push('cleanup')
      return { ...error, context: { ...error.context, uploadId: 'u' } }
    })
    throw new Error('broken')
  })
  const error = left(await failing(input)(clientOf(t, '127.0.0.1:1')())())
  t.match(error, { _tag: 'TransportError', context: { uploadId: 'u' }, cause: { message: 'broken' } })
  t.same(steps, ['second', 'first', 'cleanup'])
})

t.test('a cleanup that was unset does not run', async (t) => {
  let isCleaned = false
  const failing = transfer(async ({ onFailure }) => {
    onFailure((error) => async () => {
      isCleaned = true
      return error
    })
    onFailure(undefined)
    return E.left(refused)
  })
  t.equal(left(await failing(input)(clientOf(t, '127.0.0.1:1')())()), refused)
  t.notOk(isCleaned)
})

t.test('a resource that is opened after an abort is released at once', async (t) => {
  let isReleased = false
  let go = (): void => undefined
  const stuck = transfer(async ({ defer }) => {
    await new Promise<void>((resolve) => (go = resolve))
    defer(async () => (isReleased = true))
    return E.right({ size: 0 })
  })
  const controller = new AbortController()
  const running = withSignal(controller.signal)(stuck(input))(clientOf(t, '127.0.0.1:1')())()
  controller.abort()
  t.match(left(await running), { _tag: 'Aborted' })
  t.notOk(isReleased)
  go()
  t.ok(await becomesTrue(() => isReleased))
})
