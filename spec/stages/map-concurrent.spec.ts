import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate, setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import t from 'tap'
import { abortable } from '../../lib/stages/abortable.js'
import { mapConcurrent } from '../../lib/stages/map-concurrent.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

/** Counts from 1, and records how far it was read and whether it was closed. */
const countReads = (until = Infinity) => {
  const seen = { read: 0, closed: false }
  const numbers = async function* () {
    try {
      while (seen.read < until) yield (seen.read += 1)
    } finally {
      seen.closed = true
    }
  }
  return { seen, source: numbers() }
}

/** Calls that end when `end` is called. */
const workshop = () => {
  const started: Array<number> = []
  const ends = new Map<number, (error?: unknown) => void>()
  const aborted: Array<number> = []
  const work = (n: number, signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      started.push(n)
      ends.set(n, (error) => {
        if (error === undefined) resolve(`done ${String(n)}`)
        else reject(error)
      })
      signal.addEventListener('abort', () => {
        aborted.push(n)
        reject(signal.reason)
      })
    })
  const end = async (n: number, error?: unknown): Promise<void> => {
    ends.get(n)?.(error)
    await setImmediate()
  }
  return { started, aborted, work, end }
}

/** Collects the results, and the failure at their end. */
const collectResults = (source: AsyncIterable<unknown>) => {
  const got: Array<unknown> = []
  const readAll = async () => {
    for await (const result of source) got.push(result)
  }
  return {
    got,
    ended: readAll().then(
      () => 'whole',
      (error: unknown) => error
    )
  }
}

// -- order and numbers --
t.test('results are yielded when they are done, or in the order of their items if ordered', async (t) => {
  for (const [ordered, due] of [
    [false, ['done 2', 'done 3', 'done 1']],
    [true, ['done 1', 'done 2', 'done 3']]
  ] as const) {
    const { work, end } = workshop()
    const { got, ended } = collectResults(
      pipe(from(1, 2, 3), mapConcurrent<number>({ concurrency: 3, ordered })(work))
    )
    await setImmediate()
    for (const n of [2, 3, 1]) await end(n)
    t.equal(await ended, 'whole')
    t.same(got, due)
  }
})

t.test('concurrency items run, and one more is read', async (t) => {
  const { seen, source } = countReads()
  const { started, work, end } = workshop()
  const running = pipe(source, mapConcurrent<number>({ concurrency: 3 })(work))
  void running.next()
  await setImmediate()
  t.same(started, [1, 2, 3])
  t.equal(seen.read, 4)
  await end(2)
  t.same(started, [1, 2, 3, 4])
  t.equal(seen.read, 5)
  await running.return()
})

t.test('with readAhead 0 no item is read ahead', async (t) => {
  const { seen, source } = countReads()
  const { started, work } = workshop()
  const running = pipe(source, mapConcurrent<number>({ concurrency: 2, readAhead: 0 })(work))
  void running.next()
  await setImmediate()
  t.same(started, [1, 2])
  t.equal(seen.read, 2)
  await running.return()
})

t.test('each item is mapped once, and no more than concurrency at a time, for any durations', async () => {
  const cases = fc.record({
    turns: fc.array(fc.nat(3), { maxLength: 30 }),
    concurrency: fc.integer({ min: 1, max: 6 }),
    readAhead: fc.constantFrom(0 as const, 1 as const),
    ordered: fc.boolean()
  })
  await fc.assert(
    fc.asyncProperty(cases, async ({ turns, ...options }) => {
      let running = 0
      let most = 0
      const work = async ([n, turns]: readonly [number, number]): Promise<number> => {
        most = Math.max(most, (running += 1))
        for (let turn = 0; turn < turns; turn += 1) await setImmediate()
        running -= 1
        return n
      }
      const results = await toArray(
        pipe(from(...turns.entries()), mapConcurrent<readonly [number, number]>(options)(work))
      )
      const numbers = turns.map((_, n) => n)
      return (
        most <= options.concurrency &&
        (options.ordered ? results : results.toSorted((a, b) => a - b)).join() === numbers.join()
      )
    })
  )
})

t.test('a concurrency of 0, NaN or a negative number counts as 1', async (t) => {
  for (const concurrency of [0, -1, NaN]) {
    t.same(
      await toArray(
        pipe(
          from(1, 2),
          mapConcurrent<number>({ concurrency })(async (n: number) => n)
        )
      ),
      [1, 2]
    )
  }
})

// -- the reader --
t.test('a paused reader pauses the source', async (t) => {
  const { seen, source } = countReads()
  const running = pipe(
    source,
    mapConcurrent<number>({ concurrency: 2 })(async (n: number) => n)
  )
  t.equal(seen.read, 0, 'nothing is read before it asks')
  await running.next()
  await setTimeout(20)
  t.equal(seen.read, 4, 'the one it took, two that are done, and one ahead')
  await running.return()
})

t.test('a reader that stops early aborts the running calls and closes the source', async (t) => {
  const { seen, source } = countReads()
  const { aborted, work, end } = workshop()
  const discarded: Array<number> = []
  const discard = (n: number): unknown => discarded.push(n)
  const running = pipe(source, mapConcurrent<number>({ concurrency: 2, discard })(work))
  const first = running.next()
  await setImmediate()
  await end(1)
  t.equal((await first).value, 'done 1')
  await running.return()
  t.same(aborted, [1, 2, 3], 'to abort what is done does nothing')
  t.same(discarded, [4])
  t.equal(seen.closed, true)
})

t.test('return during a read ends the iteration at once', async (t) => {
  const { seen, source } = countReads()
  const { aborted, work } = workshop()
  const running = pipe(source, mapConcurrent<number>({ concurrency: 2 })(work))
  const read = running.next()
  await setImmediate()
  await running.return()
  t.same(await read, { done: true, value: undefined })
  t.same(aborted, [1, 2])
  t.equal(seen.closed, true)
})

t.test('destroying a Node stream of the results ends all calls', async (t) => {
  const { seen, source } = countReads()
  const { aborted, work } = workshop()
  const readable = Readable.from(pipe(source, mapConcurrent<number>({ concurrency: 2 })(work)))
  readable.on('data', () => {})
  await setImmediate()
  readable.destroy()
  await setImmediate()
  t.same(aborted, [1, 2])
  t.equal(seen.closed, true)
})

// -- failures --
t.test('the first failure aborts the other calls, closes the source and is thrown', async (t) => {
  const { seen, source } = countReads()
  const { aborted, started, work, end } = workshop()
  const discarded: Array<number> = []
  const running = pipe(
    source,
    mapConcurrent<number>({ concurrency: 3, discard: (n) => discarded.push(n) })(work)
  )
  const { got, ended } = collectResults(running)
  await setImmediate()
  const error = new Error('no')
  await end(2, error)
  t.equal(await ended, error)
  t.same(got, [])
  t.same(started, [1, 2, 3])
  t.same(aborted, [1, 2, 3])
  t.same(discarded, [4])
  t.equal(seen.closed, true)
})

t.test('a failure is thrown after the other calls have settled', async (t) => {
  const settled: Array<number> = []
  const work = async (n: number): Promise<number> => {
    if (n === 3) throw new Error('no')
    await setTimeout(10)
    settled.push(n)
    return n
  }
  const { got, ended } = collectResults(pipe(from(1, 2, 3), mapConcurrent<number>({ concurrency: 3 })(work)))
  t.match(await ended, { message: 'no' })
  t.same(settled, [1, 2])
  t.same(got, [1, 2], 'and their results are yielded')
})

t.test(
  'results before the failure are yielded before it; if ordered, only those before the first gap',
  async (t) => {
    const { work, end } = workshop()
    const running = pipe(from(1, 2, 3, 4), mapConcurrent<number>({ concurrency: 4, ordered: true })(work))
    const { got, ended } = collectResults(running)
    await setImmediate()
    await end(1)
    await end(3)
    await end(2, new Error('no'))
    t.match(await ended, { message: 'no' })
    t.same(got, ['done 1'])
  }
)

t.test('a failure is thrown also if the source stalls', async (t) => {
  const yieldThenStall = async function* () {
    yield 1
    await new Promise(() => {})
  }
  const work = async () => {
    await setImmediate()
    throw new Error('no')
  }
  await t.rejects(toArray(pipe(yieldThenStall(), mapConcurrent<number>({ concurrency: 2 })(work))), {
    message: 'no'
  })
})

t.test('a failure ends a pending read of a source that listens to the signal', async (t) => {
  const controller = new AbortController()
  let closed = false
  const source = async function* () {
    try {
      yield 1
      yield* abortable(controller.signal)(
        new Readable({ objectMode: true, read() {} })
      ) as AsyncIterable<number>
    } finally {
      closed = true
    }
  }
  const work = async () => {
    await setImmediate()
    throw new Error('no')
  }
  await t.rejects(toArray(pipe(source(), mapConcurrent<number>({ concurrency: 2, controller })(work))), {
    message: 'no'
  })
  t.equal(closed, true, 'before the failure is seen')
  t.match(controller.signal.reason, { message: 'no' })
})

t.test('an item that arrives after the end is discarded', async (t) => {
  let give: (n: number) => void = () => {}
  const late = async function* () {
    yield 1
    yield await new Promise<number>((resolve) => (give = resolve))
  }
  const discarded: Array<number> = []
  const work = async () => {
    await setImmediate()
    throw new Error('no')
  }
  const stage = mapConcurrent<number>({ concurrency: 2, discard: (n: number) => discarded.push(n) })(work)
  await t.rejects(toArray(pipe(late(), stage)), { message: 'no' })
  give(2)
  await setImmediate()
  t.same(discarded, [2])
})

t.test('an error of the source fails the pipeline and aborts the running calls', async (t) => {
  const error = new Error('disk')
  const { aborted, work } = workshop()
  await t.rejects(
    pipeline(yieldThenFail(error, 1, 2), mapConcurrent<number>({ concurrency: 3 })(work), toArray),
    error
  )
  t.same(aborted, [1, 2])
})

t.test('a mapper that throws fails like one that rejects', async (t) => {
  const work = (): Promise<never> => {
    throw new Error('no')
  }
  await t.rejects(toArray(pipe(from(1), mapConcurrent<number>({ concurrency: 2 })(work))), { message: 'no' })
})

t.test('an abort of the controller fails with its reason; if it came before, nothing is read', async (t) => {
  const controller = new AbortController()
  const { seen, source } = countReads()
  const { aborted, work } = workshop()
  const { ended } = collectResults(pipe(source, mapConcurrent<number>({ concurrency: 2, controller })(work)))
  await setImmediate()
  controller.abort(new Error('enough'))
  t.match(await ended, { message: 'enough' })
  t.same(aborted, [1, 2])
  t.equal(seen.closed, true)

  const second = countReads()
  await t.rejects(toArray(pipe(second.source, mapConcurrent<number>({ concurrency: 2, controller })(work))), {
    message: 'enough'
  })
  t.equal(second.seen.read, 0)
})

t.test('a successful run does not abort the controller', async (t) => {
  const controller = new AbortController()
  await toArray(
    pipe(
      from(1, 2, 3),
      mapConcurrent<number>({ concurrency: 2, controller })(async (n: number) => n)
    )
  )
  t.equal(controller.signal.aborted, false)
})
