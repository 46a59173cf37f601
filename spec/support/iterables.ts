/** Small sources and sinks for specs. */

/** Yields one item a turn, like a source that takes time. */
export async function* from<A>(...items: ReadonlyArray<A>): AsyncGenerator<A, void, undefined> {
  for (const item of items) {
    await Promise.resolve()
    yield item
  }
}

export const toArray = async <A>(source: AsyncIterable<A>): Promise<Array<A>> => {
  const items: Array<A> = []
  for await (const item of source) items.push(item)
  return items
}

/** Yields the items, then fails with the error. */
export async function* yieldThenFail<A>(
  error: unknown,
  ...items: ReadonlyArray<A>
): AsyncGenerator<A, void, undefined> {
  yield* from(...items)
  throw error
}
