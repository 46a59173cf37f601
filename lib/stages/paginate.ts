/** Page after page of a listing, as one stream: each page is asked for where the last one ended. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type Context, type CosError } from '../core/error.js'
import { abortable } from './abortable.js'
import { cancelable, type CancelableIterator } from './cancelable.js'

/** What ends a page. */
export interface PageEnd<Cursor, Page = unknown> {
  readonly _tag: 'PageEnd'
  /** Where the next page begins; none after the last. */
  readonly next: O.Option<Cursor>
  /** What the page says of itself. */
  readonly page: Page
  readonly context: Context
  readonly requestId: string
}

export type PageEvent<Item, Cursor, Page = unknown> = Item | PageEnd<Cursor, Page>

/** Asks for the page behind a cursor. The signal fires when it is no longer wanted. */
export type FetchPage<Item, Cursor> = (
  from: Cursor,
  signal: AbortSignal
) => TaskEither<CosError, AsyncIterable<PageEvent<Item, Cursor>>>

export interface PaginateOptions {
  /**
   * Whether to ask again, from behind the last item, after a page has failed: a policy, and its wait, which should end
   * early when the signal fires. `failures` from 1, reset to 0 by each item. Default: never.
   */
  readonly goOn?: (error: CosError, failures: number, signal: AbortSignal) => Task<boolean>
  /** Stops the run when it fires, and is fired when its reader leaves. */
  readonly controller?: AbortController
}

const isEnd = <Item extends object, Cursor>(event: PageEvent<Item, Cursor>): event is PageEnd<Cursor> => {
  const tag: unknown = '_tag' in event ? event._tag : undefined
  return tag === 'PageEnd'
}

const loopError = (end: PageEnd<unknown>): CosException =>
  new CosException({
    _tag: 'DecodeError',
    context: end.context,
    status: 200,
    problems: ['the listing repeats: its next page starts where an earlier one did'],
    requestId: end.requestId
  })

/**
 * Watches for a cursor that comes again, however long the circle, and remembers but one: Brent's algorithm. The cursor
 * to compare with is set anew after 1, 2, 4, 8... pages, and so is in the circle some time, and the circle then too
 * short to escape it.
 */
const detectLoop = <Cursor>(from: Cursor): ((next: Cursor) => boolean) => {
  // Cursors are plain data: what JSON makes of two that are the same is the same.
  let milestone = JSON.stringify(from)
  let [passed, limit] = [0, 1]
  return (next) => {
    const here = JSON.stringify(next)
    if (here === milestone) return true
    passed += 1
    if (passed === limit) [milestone, passed, limit] = [here, 0, limit * 2]
    return false
  }
}

async function* run<Cursor, Item extends { readonly cursor: Cursor }>(
  goOn: NonNullable<PaginateOptions['goOn']>,
  signal: AbortSignal,
  fetchPage: FetchPage<Item, Cursor>,
  from: Cursor
): AsyncGenerator<Item, void, undefined> {
  const been = detectLoop(from)
  let at = from
  let failures = 0
  /** Only the pulls are tried: what a reader throws in at a `yield` is no failure of the page. */
  const tried = async <A>(pull: () => Promise<A>): Promise<O.Option<A>> => {
    try {
      return O.some(await pull())
    } catch (thrown) {
      failures += 1
      if (signal.aborted || !(thrown instanceof CosException)) throw thrown
      if (!(await goOn(thrown.error, failures, signal)())) throw thrown
      signal.throwIfAborted()
      return O.none
    }
  }
  const opened = async (): Promise<AsyncIterator<PageEvent<Item, Cursor>, unknown>> => {
    const page = await fetchPage(at, signal)()
    if (E.isLeft(page)) throw new CosException(page.left)
    return abortable(signal)(page.right)[Symbol.asyncIterator]()
  }

  for (;;) {
    const page = await tried(opened)
    if (O.isNone(page)) continue
    let end: PageEnd<Cursor> | undefined
    try {
      while (end === undefined) {
        const pulled = await tried(() => page.value.next())
        if (O.isNone(pulled)) break
        if (pulled.value.done === true) return
        const event = pulled.value.value
        if (isEnd(event)) end = event
        else {
          at = event.cursor
          failures = 0
          yield event
        }
      }
    } finally {
      await page.value.return?.()
    }
    if (end === undefined) continue
    if (O.isNone(end.next)) return
    if (been(end.next.value)) throw loopError(end)
    at = end.next.value
    failures = 0
  }
}

/**
 * Follows a listing from page to page.
 *
 * Each item carries the cursor that resumes after it: where a listing failed, another `paging` with the last cursor
 * resumes with the next item.
 *
 * @shape  `paging(options, fetchPage)(from)` yields the items of all pages, each as soon as its page has it
 * @units  asks for one page at a time, and reads none ahead; memory does not grow with the number of pages
 * @errors `CosException` of those of `fetchPage` and of its pages, where `goOn` says no, and of a `DecodeError` where a
 *         page sends the listing back to where it has been; the reason of `stop`
 * @example paging({}, (from) => send(listObjectEvents({ bucket, from }))(client))(cursorAt())
 */
export const paginate =
  <Cursor, Item extends { readonly cursor: Cursor }>(
    { goOn = () => () => Promise.resolve(false), controller: stop = new AbortController() }: PaginateOptions,
    fetchPage: FetchPage<Item, Cursor>
  ) =>
  (from: Cursor): CancelableIterator<Item> =>
    cancelable(stop, run(goOn, stop.signal, fetchPage, from))
