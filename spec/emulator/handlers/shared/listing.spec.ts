import fc from 'fast-check'
import t from 'tap'
import { type ListingItem, takePage, walkListing } from '../../../../lib/emulator/handlers/shared/listing.js'
import { sortedMap } from '../../../../lib/emulator/store/sorted.js'

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const nameOf = (found: ListingItem<boolean>): string => (found._tag === 'Group' ? found.prefix : found.key)

/** The rules of a listing, applied to all keys: filtered, grouped by the delimiter, sorted. */
const naive = (
  keys: ReadonlyMap<string, boolean>,
  prefix: string,
  delimiter: string
): ReadonlyArray<string> => {
  const names = [...keys]
    .filter(([key, visible]) => visible && key.startsWith(prefix))
    .map(([key]) => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      return at < 0 ? `key ${key}` : `group ${key.slice(0, at + delimiter.length)}`
    })
  const bare = (name: string): string => name.slice(name.indexOf(' ') + 1)
  return [...new Set(names)].sort((a, b) => bytewise(bare(a), bare(b)))
}

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '😀', '\uffff'), minLength: 1, maxLength: 6 })
const listing = fc.record({
  keys: fc.dictionary(key, fc.boolean(), { maxKeys: 30 }),
  prefix: fc.constantFrom('', 'a', 'a/', '/', 'b😀'),
  delimiter: fc.constantFrom('', '/', 'a', '😀'),
  max: fc.integer({ min: 1, max: 7 })
})

t.test('pages of any size add up to the whole listing, with each entry once', async () => {
  fc.assert(
    fc.property(listing, ({ keys, prefix, delimiter, max }) => {
      const visible = new Map(Object.entries(keys))
      const map = sortedMap<boolean>()
      for (const [name, shown] of visible) map.update(name, () => shown)
      const all: Array<string> = []
      let marker = ''
      for (;;) {
        const input = { prefix, delimiter, marker, visible: (shown: boolean) => shown }
        const { items, truncated } = takePage(max, walkListing(map, input))
        all.push(...items.map((item) => `${item._tag === 'Group' ? 'group' : 'key'} ${nameOf(item)}`))
        if (!truncated) break
        marker = nameOf(items.at(-1)!)
      }
      const expected = naive(visible, prefix, delimiter)
      return JSON.stringify(all) === JSON.stringify(expected)
    }),
    { numRuns: 1000 }
  )
})

t.test('walkListing skips a common prefix in one step', async (t) => {
  const map = sortedMap<boolean>()
  for (let n = 0; n < 100_000; n += 1) map.update(`dir/${String(n).padStart(6, '0')}`, () => true)
  map.update('z', () => true)
  let looked = 0
  const visible = (): boolean => {
    looked += 1
    return true
  }
  const found = [...walkListing(map, { prefix: '', delimiter: '/', marker: '', visible })]
  t.strictSame(found.map(nameOf), ['dir/', 'z'])
  t.equal(looked, 2)
})
