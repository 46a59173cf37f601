import t from 'tap'
import { seededRandom } from '../../lib/testing/seeded-random.js'

t.test('a seed determines the numbers, which are from 0 to below 1 and spread evenly', async (t) => {
  const random = seededRandom(42)
  const numbers = Array.from({ length: 10_000 }, random)
  t.ok(numbers.every((each) => each >= 0 && each < 1))
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length
  t.ok(Math.abs(mean - 0.5) < 0.02, `mean ${String(mean)}`)
  const again = seededRandom(42)
  t.same([again(), again()], numbers.slice(0, 2))
})
