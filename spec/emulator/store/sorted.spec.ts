import fc from 'fast-check'
import t from 'tap'
import { compareUtf8 } from '../../../lib/core/key.js'
import { sortedMap } from '../../../lib/emulator/store/sorted.js'
import { anyText } from '../../support/any-text.js'

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const text = anyText({ maxLength: 6 })

const change = fc.record({ key: text, value: fc.option(fc.nat(9), { nil: undefined }) })

t.test('a sorted map equals a Map and a sort', async () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), text, (changes, marker) => {
      const map = sortedMap<number>()
      const model = new Map<string, number>()
      const olds: Array<boolean> = []
      for (const { key, value } of changes) {
        map.update(key, (old) => {
          olds.push(old === model.get(key))
          return value
        })
        if (value === undefined) model.delete(key)
        else model.set(key, value)
      }
      const sorted = [...model].sort(([a], [b]) => bytewise(a, b))
      const after = sorted.filter(([key]) => bytewise(key, marker) > 0)
      return (
        !olds.includes(false) &&
        map.size() === model.size &&
        sorted.every(([key, value]) => map.get(key) === value) &&
        JSON.stringify([...map.from(() => true)]) === JSON.stringify(sorted) &&
        JSON.stringify([...map.from((key) => compareUtf8(key, marker) > 0)]) === JSON.stringify(after)
      )
    })
  )
})

t.test('10,000 keys are inserted and removed in random order', async (t) => {
  const keys = Array.from({ length: 10_000 }, (_, n) => String((n * 7919) % 10_000).padStart(5, '0'))
  const map = sortedMap<number>()
  for (const [at, key] of keys.entries()) map.update(key, () => at)
  t.equal(map.size(), 10_000)
  t.strictSame(
    [...map.from((key) => key >= '04990')].slice(0, 3).map(([key]) => key),
    ['04990', '04991', '04992']
  )
  for (const key of keys.toSorted().toReversed()) map.update(key, () => undefined)
  t.equal(map.size(), 0)
  t.strictSame([...map.from(() => true)], [])
})
