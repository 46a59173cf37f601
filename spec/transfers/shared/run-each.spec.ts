import { setImmediate, setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException, contextWithoutObject, type CosError } from '../../../lib/core/error.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { runEach, type OnItemError } from '../../../lib/transfers/shared/run-each.js'
import { waitFor } from '../../support/wait-for.js'
import { from, toArray } from '../../support/iterables.js'
import { settlesWithin } from '../../support/settles-within.js'
import { clientOf } from '../../support/server.js'

const context = contextWithoutObject('spec')
const bad = (n: number): CosError => ({ _tag: 'Aborted', context, reason: n })

interface Done {
  readonly n: number
  readonly error: O.Option<CosError>
}

interface Watch {
  started: number
}

async function* oneInEach<A>(items: AsyncIterable<A>): AsyncGenerator<ReadonlyArray<A>, void, undefined> {
  for await (const item of items) yield [item]
}

/** Doubles numbers: negative ones fail after a turn, positive ones end later, whatever the load of the machine is. */
const doubleEach = (
  items: () => AsyncIterable<number>,
  onError: OnItemError,
  watch: Watch = { started: 0 },
  concurrency = 2
) =>
  runEach<number, Done>(context, {
    concurrency,
    onError,
    items: () => oneInEach(items()),
    work: async (n) => {
      watch.started += 1
      for (let turns = n < 0 ? 1 : 20; turns > 0; turns -= 1) await setImmediate()
      return [{ n: n * 2, error: n < 0 ? O.some(bad(n)) : O.none }]
    },
    failureOf: ({ error }) => error
  })

const numbers = (stream: ReadonlyArray<Done>) => stream.map(({ n }) => n).sort((a, b) => a - b)

const readAll = async (stream: AsyncIterable<Done>) => {
  const seen: Array<Done> = []
  try {
    for await (const one of stream) seen.push(one)
  } catch (thrown) {
    return { seen: numbers(seen), thrown }
  }
  return { seen: numbers(seen), thrown: undefined }
}

t.test('runEach yields a result for each item, failures included', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  t.same(await readAll(doubleEach(() => from(1, -2, 3, -4, 5), 'continue')(client)), {
    seen: [-8, -4, 2, 6, 10],
    thrown: undefined
  })
})

t.test(
  'with stop no item starts after a failure, and the items in flight finish and are reported',
  async (t) => {
    const client = clientOf(t, '127.0.0.1:1')()
    const watch = { started: 0 }
    let closed = false
    const endless = async function* () {
      try {
        yield* [1, -2]
        for (;;) yield 3
      } finally {
        closed = true
      }
    }
    const { seen, thrown } = await readAll(doubleEach(endless, 'stop', watch)(client))
    t.same(seen, [-4, 2])
    t.match(thrown, { name: 'CosException', error: bad(-2) })
    t.equal(watch.started, 2)
    t.ok(closed)
  }
)

t.test('with stop a stalled source is not waited for', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const yieldThenStall = async function* () {
    yield -1
    await setTimeout(60_000, undefined, { ref: false })
  }
  const read = readAll(doubleEach(yieldThenStall, 'stop')(client))
  t.ok(await settlesWithin(1000, read))
  t.match(await read, { seen: [-2], thrown: { error: bad(-1) } })
})

t.test('a failure of the source is thrown after the results of the items before it', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const failure = new CosException(bad(9))
  for (const error of [failure, new Error('disk')]) {
    const yieldThenBreak = async function* () {
      yield* [1, 2, 3]
      throw error
    }
    const { seen, thrown } = await readAll(doubleEach(yieldThenBreak, 'continue', { started: 0 }, 3)(client))
    t.same(seen, [2, 4, 6])
    t.match(thrown, error === failure ? failure : { name: 'CosException', error: { _tag: 'SourceError' } })
  }
})

t.test('a signal ends runEach at once, and is not the failure of an item', async (t) => {
  const controller = new AbortController()
  const client = clientOf(t, '127.0.0.1:1')()
  const stream = runEach<number, number>(context, {
    concurrency: 3,
    onError: 'continue',
    items: () => from([1, 2, 3], [4, 5]),
    work: async (n, { signals: [signal] }) => {
      await setTimeout(n === 1 ? 1 : 60_000, undefined, { signal: signal! }).catch(() => undefined)
      return [n]
    },
    failureOf: () => O.none
  })
  const seen: Array<number> = []
  const ended = (async () => {
    for await (const n of withSignal(controller.signal)(stream)(client)) seen.push(n)
  })()
  await waitFor(() => seen.length === 1)
  controller.abort('enough')
  t.ok(await settlesWithin(50, ended))
  await t.rejects(ended, { name: 'CosException', error: { _tag: 'Aborted', reason: 'enough' } })
  t.same(seen, [1])
})

t.test('a reader that stops early ends runEach and closes the source', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  let closed = false
  const endless = async function* () {
    try {
      for (;;) yield 1
    } finally {
      closed = true
    }
  }
  for await (const { n } of doubleEach(endless, 'continue')(client)) if (n === 2) break
  t.ok(closed)
  t.same(numbers(await toArray(doubleEach(() => from(), 'stop')(client))), [])
})

t.test(
  'a batch is read when the items before it have started, and its rest is not started after a failure',
  async (t) => {
    const client = clientOf(t, '127.0.0.1:1')()
    const started: Array<number> = []
    const read: Array<number> = []
    const stream = runEach<number, Done>(context, {
      concurrency: 1,
      onError: 'stop',
      async *items() {
        for (const first of [1, 4, 7]) {
          read.push(first)
          yield [first, first + 1, first + 2]
        }
      },
      work: async (n) => {
        started.push(n)
        await setImmediate()
        return [{ n, error: n === 5 ? O.some(bad(n)) : O.none }]
      },
      failureOf: ({ error }) => error
    })
    const { seen, thrown } = await readAll(stream(client))
    t.same(seen, [1, 2, 3, 4, 5])
    t.match(thrown, { error: bad(5) })
    t.same(started, [1, 2, 3, 4, 5])
    t.same(read, [1, 4])
  }
)
