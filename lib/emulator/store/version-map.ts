/**
 * The versions of each key, compactly. An object of one blob, as most are, is stored as its attributes and a row of text: two
 * values instead of nine.
 */
import type { Attributes, Segment, StoredObject, Version } from './model.js'
import { sortedMap, type SortedMap } from './sorted.js'

interface Packed {
  /** Shared by objects with equal attributes. */
  readonly attributes: Attributes
  /** `id modified size crc64 etag blob`. The blob is last: its name may contain spaces. */
  readonly row: string
}
type Entry = Packed | Version
type Entries = Entry | ReadonlyArray<Entry>

/** The blob of an object that is one whole blob, empty for an object without bytes; undefined for other objects. */
const wholeBlob = (segments: ReadonlyArray<Segment>, size: number): string | undefined => {
  const [first] = segments
  if (first === undefined) return size === 0 ? '' : undefined
  const isWhole = segments.length === 1 && first.offset === 0 && first.size === size
  return isWhole && first.blob !== null ? first.blob : undefined
}

const pack = (version: Version): Entry => {
  if (version._tag !== 'Object') return version
  const { id, modified, content, attributes, restore, appendable, symlink } = version
  if (restore !== undefined || appendable !== undefined || symlink !== undefined) return version
  const { size, crc64, etag, segments } = content
  const blob = wholeBlob(segments, size)
  const isPlain = blob !== undefined && !id.includes(' ') && !etag.includes(' ')
  // `join` returns a flat string. A template would keep its pieces.
  return isPlain ? { attributes, row: [id, modified, size, String(crc64), etag, blob].join(' ') } : version
}

const unpackRow = ({ attributes, row }: Packed): StoredObject => {
  let at = 0
  const next = (): string => {
    const end = row.indexOf(' ', at)
    const field = row.slice(at, end)
    at = end + 1
    return field
  }
  const id = next()
  const modified = Number(next())
  const size = Number(next())
  const crc64 = BigInt(next())
  const etag = next()
  const blob = row.slice(at)
  const segments = size === 0 ? [] : [{ blob, offset: 0, size }]
  return { _tag: 'Object', id, modified, content: { size, etag, crc64, segments }, attributes }
}

const unpack = (entry: Entry): Version => ('row' in entry ? unpackRow(entry) : entry)

const isList = (entries: Entries): entries is ReadonlyArray<Entry> => Array.isArray(entries)

const unpackAll = (entries: Entries): ReadonlyArray<Version> =>
  isList(entries) ? entries.map(unpack) : [unpack(entries)]

const packAll = (versions: ReadonlyArray<Version>): Entries => {
  const [first] = versions
  return first !== undefined && versions.length === 1 ? pack(first) : versions.map(pack)
}

/** A key without the text that it is a part of: a slice of the request's target would keep the whole target in memory. */
const detach = (key: string): string => {
  const copy = Buffer.from(key).toString()
  return copy === key ? copy : key
}

/** A sorted map of the versions of each key, newest first. */
export const versionMap = (): SortedMap<ReadonlyArray<Version>> => {
  const map = sortedMap<Entries>()
  return {
    size: map.size,
    get: (key) => {
      const entries = map.get(key)
      return entries === undefined ? undefined : unpackAll(entries)
    },
    update: (key, change) => {
      map.update(detach(key), (entries) => {
        const versions = change(entries === undefined ? undefined : unpackAll(entries))
        return versions === undefined ? undefined : packAll(versions)
      })
    },
    *from(reached) {
      for (const [key, entries] of map.from(reached)) yield [key, unpackAll(entries)]
    }
  }
}
