/** What the four listings share: prefixes rolled up, pages cut, texts encoded. */
import * as E from 'fp-ts/lib/Either.js'
import { compareUtf8, urlEncode } from '../../../core/key.js'
import type { Xml } from '../../../core/xml.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import type { Query } from '../../http/route.js'
import type { SortedMap } from '../../store/sorted.js'

// -- asking --
export interface ListQuery {
  readonly prefix: string
  /** Empty: nothing is rolled up. */
  readonly delimiter: string
  readonly max: number
  readonly encoded: boolean
}

const maxPage = 1000

/** A page's size; larger ones than COS gives are cut to what it gives. */
export const readMax = (text: string | undefined): E.Either<ServiceError, number> => {
  if (text === undefined || text === '') return E.right(maxPage)
  return /^\d{1,10}$/.test(text)
    ? E.right(Math.min(Number(text), maxPage))
    : fail('InvalidArgument', 'The size of a page should be a whole number.')
}

/** `encoding-type` knows one value. */
export const readEncoded = (query: Query): E.Either<ServiceError, boolean> => {
  const given = query['encoding-type'] ?? ''
  return given === '' || given.toLowerCase() === 'url'
    ? E.right(given !== '')
    : fail('InvalidArgument', 'encoding-type should be url.')
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

/** Upper-case `%XX` of UTF-8, slashes kept; or the text as it is, which XML may not be able to carry. */
export const spelling =
  (encoded: boolean) =>
  (text: string): string =>
    encoded ? urlEncode(text).replaceAll('%2F', '/') : text

// -- walking --
export type Found<V> =
  | { readonly _tag: 'Group'; readonly prefix: string }
  | { readonly _tag: 'Entry'; readonly key: string; readonly value: V }

export interface ListingWalk<V> {
  readonly prefix: string
  readonly delimiter: string
  /** Where the last page ended: a key, or a common prefix, which is then not told again. */
  readonly marker: string
  /** Whether the marker itself is to be seen once more, for what it has left. */
  readonly inclusive?: boolean
  readonly visible: (value: V) => boolean
}

/**
 * Walks over the keys after a marker, rolling up what lies beyond the delimiter. Behind a common prefix it goes on by
 * looking up, so that a folder of a million keys costs as much as one of ten.
 */
export function* walkListing<V>(
  map: SortedMap<V>,
  asked: ListingWalk<V>
): Generator<Found<V>, void, undefined> {
  const { prefix, delimiter, marker, inclusive = false, visible } = asked
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

/** Takes a page, and looks whether there would be more. */
export const takePage = <A>(max: number, source: Generator<A, void, undefined>): Page<A> => {
  const items: Array<A> = []
  if (max === 0) return { items, truncated: false }
  for (const item of source) {
    if (items.length === max) return { items, truncated: true }
    items.push(item)
  }
  return { items, truncated: false }
}

// -- telling --
/** The account that owns everything: the bucket's APPID. */
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

export const commonPrefix = (spell: (text: string) => string, prefix: string): Xml => [
  'CommonPrefixes',
  [['Prefix', spell(prefix)]]
]

/** ISO 8601 with milliseconds, which COS gives and which are always zero. */
export const isoTime = (time: number): string => new Date(Math.floor(time / 1000) * 1000).toISOString()

/** Rows that may be absent. */
export const optional = (present: boolean, row: Xml): ReadonlyArray<Xml> => (present ? [row] : [])
