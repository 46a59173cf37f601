/** All pages of a listing as one stream: each page starts after the last item of the page before it. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type Context, type CosError } from '../core/error.js'
import { abortable } from './abortable.js'
import { cancelable, type CancelableIterator } from './cancelable.js'

/** The last event of a page. */
export interface PageEnd<Cursor, Page = unknown> {
  readonly _tag: 'PageEnd'
  /** The cursor of the next page; none after the last page. */
  readonly next: O.Option<Cursor>
  /** The fields of the page itself. */
  readonly page: Page
  readonly context: Context
  readonly requestId: string
}

export type PageEvent<Item, Cursor, Page = unknown> = Item | PageEnd<Cursor, Page>

/** Requests the page at a cursor. The signal fires when the page is no longer needed. */
export type FetchPage<Item, Cursor> = (
  cursor: Cursor,
  signal: AbortSignal
) => TaskEither<CosError, AsyncIterable<ReadonlyArray<PageEvent<Item, Cursor>>>>

export interface PaginateOptions {
  /**
   * Whether to request the page again, from the cursor after the last item, when it has failed. The task may wait first;
   * the wait should end when the signal fires. `failures` starts at 1, and each item resets it. Default: never.
   */
  readonly shouldRetryPage?: (error: CosError, failures: number, signal: AbortSignal) => Task<boolean>
  /** Ends the run when it aborts. The run aborts it when its reader cancels. */
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
 * Detects a cursor that was seen before, for a loop of any length, and remembers only one cursor: Brent's algorithm. The
 * remembered cursor is replaced after 1, 2, 4, 8... pages. So at some time it is in the loop, and is compared with as many
 * pages as the loop has.
 */
const detectLoop = <Cursor>(start: Cursor): ((next: Cursor) => boolean) => {
  // Cursors are plain data: equal cursors have equal JSON.
  let milestone = JSON.stringify(start)
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
  shouldRetryPage: NonNullable<PaginateOptions['shouldRetryPage']>,
  signal: AbortSignal,
  fetchPage: FetchPage<Item, Cursor>,
  start: Cursor
): AsyncGenerator<ReadonlyArray<Item>, void, undefined> {
  const isLoop = detectLoop(start)
  let cursor = start
  let failures = 0
  /** None if the page is to be retried. Used only for reads: errors that the reader throws at a `yield` are not failures. */
  const readOrRetry = async <A>(read: () => Promise<A>): Promise<O.Option<A>> => {
    try {
      return O.some(await read())
    } catch (thrown) {
      failures += 1
      if (signal.aborted || !(thrown instanceof CosException)) throw thrown
      if (!(await shouldRetryPage(thrown.error, failures, signal)())) throw thrown
      signal.throwIfAborted()
      return O.none
    }
  }
  const openPage = async (): Promise<AsyncIterator<ReadonlyArray<PageEvent<Item, Cursor>>, unknown>> => {
    const page = await fetchPage(cursor, signal)()
    if (E.isLeft(page)) throw new CosException(page.left)
    return abortable(signal)(page.right)[Symbol.asyncIterator]()
  }

  for (;;) {
    const page = await readOrRetry(openPage)
    if (O.isNone(page)) continue
    let end: PageEnd<Cursor> | undefined
    try {
      while (end === undefined) {
        const read = await readOrRetry(() => page.value.next())
        if (O.isNone(read)) break
        if (read.value.done === true) return
        const items: Array<Item> = []
        for (const event of read.value.value) {
          if (isEnd(event)) end = event
          else items.push(event)
        }
        const last = items.at(-1)
        if (last === undefined) continue
        cursor = last.cursor
        failures = 0
        yield items
      }
    } finally {
      await page.value.return?.()
    }
    if (end === undefined) continue
    if (O.isNone(end.next)) return
    if (isLoop(end.next.value)) throw loopError(end)
    cursor = end.next.value
    failures = 0
  }
}

/**
 * Follows a listing from page to page.
 *
 * Each item has the cursor that resumes after it. If a listing has failed, `paginate` with the last cursor resumes with the
 * next item.
 *
 * @shape  `paginate(options, fetchPage)(start)` yields the items of all pages in batches, each as soon as it is parsed: a turn
 *         for each item in each stage would cost more than parsing the item
 * @units  requests one page at a time, and reads none ahead; memory does not grow with the number of pages
 * @errors `CosException` of those of `fetchPage` and of its pages that are not retried, and of a `DecodeError` if a page
 *         sends the listing back to an earlier cursor; the reason of `controller`
 * @example paginate({}, (cursor) => send(listObjectBatches({ bucket, cursor }))(client))(cursorAt())
 */
export const paginate =
  <Cursor, Item extends { readonly cursor: Cursor }>(
    {
      shouldRetryPage = () => () => Promise.resolve(false),
      controller = new AbortController()
    }: PaginateOptions,
    fetchPage: FetchPage<Item, Cursor>
  ) =>
  (start: Cursor): CancelableIterator<ReadonlyArray<Item>> =>
    cancelable(controller, run(shouldRetryPage, controller.signal, fetchPage, start))
