import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { CosException, type CosError } from '../../lib/core/error.js'
import type { PageEnd } from '../../lib/stages/paginate.js'
import { catchCosError, createGate, specContext } from '../support/responses.js'
import { collectGarbage } from '../support/gc.js'
import { from, toArray } from '../support/iterables.js'
import { paginate, type FetchPage } from '../support/paginate.js'

interface Item {
  readonly n: number
  readonly cursor: number
}
const item = (n: number): Item => ({ n, cursor: n })
const end = (next?: number): PageEnd<number> => ({
  _tag: 'PageEnd',
  next: O.fromNullable(next),
  page: {},
  context: specContext,
  requestId: 'id'
})
const numbers = async (items: AsyncIterable<Item>) => (await toArray(items)).map(({ n }) => n)
const broken: CosError = {
  _tag: 'TransportError',
  context: specContext,
  host: '',
  code: 'ECONNRESET',
  cause: undefined
}

/** Numbers up to `last`, `size` on a page. */
const createNumberPages = (
  last: number,
  size: number
): { readonly requested: Array<number>; readonly fetch: FetchPage<Item, number> } => {
  const requested: Array<number> = []
  const fetch: FetchPage<Item, number> = (start) => async () => {
    requested.push(start)
    const to = Math.min(start + size, last)
    const items = Array.from({ length: to - start }, (_, n) => item(start + n + 1))
    return E.right(from<Item | PageEnd<number>>(...items, end(to < last ? to : undefined)))
  }
  return { requested, fetch }
}

t.test('pages are one stream, and each is requested at the cursor of the page before it', async (t) => {
  const { requested, fetch } = createNumberPages(7, 3)
  t.same(await numbers(paginate({}, fetch)(0)), [1, 2, 3, 4, 5, 6, 7])
  t.same(requested, [0, 3, 6])
  t.same(await numbers(paginate({}, fetch)(5)), [6, 7], 'from a cursor')
  t.same(await numbers(paginate({}, createNumberPages(0, 3).fetch)(0)), [], 'of nothing')
})

t.test('an empty page between others does not end the listing', async (t) => {
  const pages = [[item(1), end(1)], [end(2)], [item(3), end()]]
  t.same(
    await numbers(paginate({}, () => TE.right(from<Item | PageEnd<number>>(...pages.shift()!)))(0)),
    [1, 3]
  )
})

t.test('an item is yielded as soon as its page yields it', async (t) => {
  const { opened, open } = createGate()
  async function* slowly() {
    yield item(1)
    await opened
    yield end()
  }
  const items = paginate<number, Item>({}, () => TE.right(slowly()))(0)
  t.match(await items.next(), { value: { n: 1 } })
  open()
  t.match(await items.next(), { done: true })
})

t.test('nothing is requested before the first read, and a paused reader pauses the next page', async (t) => {
  const { requested, fetch } = createNumberPages(9, 2)
  const items = paginate({}, fetch)(0)
  await setTimeout(10)
  t.same(requested, [])
  await items.next()
  await items.next()
  await setTimeout(10)
  t.same(requested, [0], 'the page has been read, and no other is requested')
  await items.return()
})

t.test('a reader that stops early closes the page and aborts its signal', async (t) => {
  let closed = false
  let signal: AbortSignal | undefined
  async function* endless() {
    try {
      for (let n = 1; ; n += 1) yield item(n)
    } finally {
      closed = true
    }
  }
  const items = paginate<number, Item>({}, (_, given) => {
    signal = given
    return TE.right(endless())
  })(0)
  for await (const { n } of items) if (n === 3) break
  t.equal(closed, true)
  t.equal(signal?.aborted, true)
})

t.test('a reader that stops while a page is requested does not wait for it', async (t) => {
  const silent: FetchPage<Item, number> = (_, signal) => () =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () =>
        resolve(E.left({ _tag: 'Aborted', context: specContext, reason: 'left' }))
      )
    })
  const pages = paginate({}, silent)(0)
  const pending = pages.next().catch((error: unknown) => error)
  await setTimeout(5)
  await pages.return()
  await pending

  async function* yieldThenStall() {
    yield item(1)
    await new Promise(() => {})
  }
  const reading = paginate<number, Item>({}, () => TE.right(yieldThenStall()))(0)
  await reading.next()
  const read = reading.next()
  await setTimeout(5)
  await reading.return()
  t.match(await read, { done: true })
})

t.test('a failure of a request or a page is thrown, and the last cursor resumes the listing', async (t) => {
  t.match(await catchCosError(toArray(paginate({}, () => TE.left(broken))(0))), broken)
  const { fetch } = createNumberPages(6, 2)
  const fetchFailing: FetchPage<Item, number> = (start) =>
    start < 2
      ? fetch(start, new AbortController().signal)
      : () =>
          Promise.resolve(
            E.right(
              (async function* () {
                yield item(3)
                throw new CosException(broken)
              })()
            )
          )
  let last = 0
  const reading = (async () => {
    for await (const { cursor } of paginate({}, fetchFailing)(0)) last = cursor
  })()
  t.match(await catchCosError(reading), broken)
  t.equal(last, 3)
  t.same(await numbers(paginate({}, fetch)(last)), [4, 5, 6])
})

t.test('a failing page fails the pipeline', async (t) => {
  t.match(await catchCosError(pipeline(paginate({}, () => TE.left(broken))(0), toArray)), broken)
})

t.test('if shouldRetryPage is true, a listing resumes after the last item', async (t) => {
  const { fetch } = createNumberPages(5, 5)
  const calls: Array<readonly [tag: string, failures: number]> = []
  let requested = 0
  // Refused twice, then broken after each item.
  const shaky: FetchPage<Item, number> = (start, signal) => {
    requested += 1
    if (requested <= 2) return TE.left(broken)
    return async () => {
      const page = await fetch(start, signal)()
      if (E.isLeft(page)) return page
      return E.right(
        (async function* () {
          let given = 0
          for await (const event of page.right) {
            if (given === 1 && 'n' in event) throw new CosException(broken)
            yield event
            given += 1
          }
        })()
      )
    }
  }
  const shouldRetryPage = (error: CosError, failures: number) => async () => {
    calls.push([error._tag, failures])
    return failures < 3
  }
  t.same(await numbers(paginate({ shouldRetryPage }, shaky)(0)), [1, 2, 3, 4, 5])
  t.same(
    calls.map(([, failures]) => failures),
    [1, 2, 1, 1, 1, 1],
    'each item resets the count'
  )

  const hopeless = paginate({ shouldRetryPage }, () => TE.left(broken))(0)
  calls.length = 0
  t.match(await catchCosError(toArray(hopeless)), broken)
  t.equal(calls.length, 3)
})

t.test('errors that the reader throws are not failures of the page', async (t) => {
  let requested = 0
  const shouldRetryPage = () => async () => {
    requested += 1
    return true
  }
  const { fetch } = createNumberPages(5, 2)
  const reading = pipeline(paginate({ shouldRetryPage }, fetch)(0), async (items: AsyncIterable<Item>) => {
    for await (const { n } of items) if (n === 2) throw new Error('enough')
  })
  await t.rejects(reading, { message: 'enough' })
  t.equal(requested, 0)
})

t.test('an error that is not a CosException is not retried', async (t) => {
  async function* yieldMistaken(): AsyncGenerator<Item> {
    yield item(1)
    throw new TypeError('a mistake')
  }
  const reading = toArray(
    paginate<number, Item>({ shouldRetryPage: () => async () => true }, () => TE.right(yieldMistaken()))(0)
  )
  await t.rejects(reading, { message: 'a mistake' })
})

t.test('a listing whose markers form a loop fails with DecodeError, however long the loop', async (t) => {
  for (const circle of [1, 2, 3, 7, 64]) {
    for (const approach of [0, 1, 5]) {
      let requested = 0
      // 0, 1, ... then the loop.
      const fetch: FetchPage<Item, number> = (start) => {
        requested += 1
        const next = start + 1 < approach + circle ? start + 1 : approach
        return TE.right(from<Item | PageEnd<number>>(item(start), end(next)))
      }
      const error = await catchCosError(toArray(paginate({}, fetch)(0)))
      t.match(error, {
        _tag: 'DecodeError',
        problems: [/the listing repeats/],
        requestId: 'id',
        context: specContext
      })
      t.ok(
        requested <= 4 * (circle + approach) + 2,
        `a circle of ${circle} behind ${approach}: ${requested} pages`
      )
    }
  }
})

t.test('a hundred pages pass, and no memory of them is kept', async (t) => {
  const held = async () => {
    await collectGarbage()
    return process.memoryUsage().heapUsed
  }
  let before = 0
  for await (const { n } of paginate({}, createNumberPages(50_000, 500).fetch)(0))
    if (n === 5_000) before = await held()
  // 45,000 items kept would be some 3 MB.
  const grown = (await held()) - before
  t.ok(grown < 1024 * 1024, `${Math.round(grown / 1024)} KiB`)
})
