/** The parts that the four listings share: query parameters, common prefixes, pages, encoding. */
import * as E from 'fp-ts/lib/Either.js'
import { compareUtf8, urlEncode } from '../../../core/key.js'
import type { Xml } from '../../../core/xml.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import type { Query } from '../../http/route.js'
import type { SortedMap } from '../../store/sorted.js'

// -- query --
export interface ListQuery {
  readonly prefix: string
  /** Empty: no common prefixes. */
  readonly delimiter: string
  readonly max: number
  readonly encoded: boolean
}

const maxPage = 1000

/** The page size; a size above COS's maximum becomes the maximum. */
export const readMax = (text: string | undefined): E.Either<ServiceError, number> => {
  if (text === undefined || text === '') return E.right(maxPage)
  return /^\d{1,10}$/.test(text)
    ? E.right(Math.min(Number(text), maxPage))
    : fail('InvalidArgument', 'The page size must be an integer.')
}

/** `encoding-type` has one value: `url`. */
export const readEncoded = (query: Query): E.Either<ServiceError, boolean> => {
  const type = query['encoding-type'] ?? ''
  return type === '' || type.toLowerCase() === 'url'
    ? E.right(type !== '')
    : fail('InvalidArgument', 'encoding-type must be url.')
}

export const readListQuery = (query: Query, maxName: string): E.Either<ServiceError, ListQuery> => {
  const prefix = query['prefix'] ?? ''
  const delimiter = query['delimiter'] ?? ''
  const max = readMax(query[maxName])
  if (E.isLeft(max)) return max
  const encoded = readEncoded(query)
  if (E.isLeft(encoded)) return encoded
  if (Array.from(delimiter).length > 1) return fail('InvalidDelimiter')
  return E.right({ prefix, delimiter, max: max.right, encoded: encoded.right })
}

/** Upper-case `%XX` of UTF-8 with slashes kept; or the text unchanged, which may not be valid XML. */
export const encodeText =
  (encoded: boolean) =>
  (text: string): string =>
    encoded ? urlEncode(text).replaceAll('%2F', '/') : text

// -- walk --
export type ListingItem<V> =
  | { readonly _tag: 'Group'; readonly prefix: string }
  | { readonly _tag: 'Entry'; readonly key: string; readonly value: V }

export interface ListingWalk<V> {
  readonly prefix: string
  readonly delimiter: string
  /** The last item of the previous page: a key, or a common prefix, which is not repeated. */
  readonly marker: string
  /** Whether the marker's own key is included, for its remaining versions or uploads. */
  readonly inclusive?: boolean
  readonly visible: (value: V) => boolean
}

/**
 * Yields the keys after a marker, grouping those that contain the delimiter into common prefixes. After a common prefix
 * it continues by binary search, so that a prefix of a million keys costs as much as one of ten.
 */
export function* walkListing<V>(
  map: SortedMap<V>,
  walk: ListingWalk<V>
): Generator<ListingItem<V>, void, undefined> {
  const { prefix, delimiter, marker, inclusive = false, visible } = walk
  const least = inclusive ? 0 : 1
  let reached = (key: string): boolean =>
    compareUtf8(key, prefix) >= 0 && (marker === '' || compareUtf8(key, marker) >= least)
  for (;;) {
    let group: string | undefined
    for (const [key, value] of map.from(reached)) {
      if (!key.startsWith(prefix)) return
      if (!visible(value)) continue
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      if (at >= 0) {
        group = key.slice(0, at + delimiter.length)
        break
      }
      yield { _tag: 'Entry', key, value }
    }
    if (group === undefined) return
    const passed = group
    if (passed !== marker) yield { _tag: 'Group', prefix: passed }
    reached = (key) => compareUtf8(key, passed) > 0 && !key.startsWith(passed)
  }
}

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly truncated: boolean
}

/** Takes a page of at most `max` items; `truncated` if there are more. */
export const takePage = <A>(max: number, source: Generator<A, void, undefined>): Page<A> => {
  const items: Array<A> = []
  if (max === 0) return { items, truncated: false }
  for (const item of source) {
    if (items.length === max) return { items, truncated: true }
    items.push(item)
  }
  return { items, truncated: false }
}

// -- XML --
/** The owner of every bucket and object: the bucket's APPID. */
export const ownerOf = (bucket: string): Xml => {
  const appId = bucket.slice(bucket.lastIndexOf('-') + 1)
  return [
    'Owner',
    [
      ['ID', appId],
      ['DisplayName', appId]
    ]
  ]
}

export const commonPrefix = (encode: (text: string) => string, prefix: string): Xml => [
  'CommonPrefixes',
  [['Prefix', encode(prefix)]]
]

// Neighbours in a listing were often written in the same second.
let lastTime = { second: NaN, text: '' }

/** ISO 8601 with milliseconds, which are always zero, as on COS. */
export const isoTime = (time: number): string => {
  const second = Math.floor(time / 1000)
  if (second !== lastTime.second) lastTime = { second, text: new Date(second * 1000).toISOString() }
  return lastTime.text
}

/** One element or none. */
export const optional = (present: boolean, row: Xml): ReadonlyArray<Xml> => (present ? [row] : [])
