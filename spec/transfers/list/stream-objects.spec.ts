import t from 'tap'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { bucket, startCos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { catchCosError } from '../../support/responses.js'

const keys = ['a/1', 'a/2', 'a b+c%/3', 'b', 'c/\u{1F600}\u0001']
const startWithObjects = (t: Parameters<typeof startCos>[0]) =>
  startCos(t, { seed: keys.map((key) => ({ bucket, key })) })

t.test('streamObjects yields objects in the order of their keys, for keys of any characters', async (t) => {
  const client = (await startWithObjects(t)).client()
  const found = await toArray(streamObjects({ bucket, maxKeys: 2 })(client))
  t.same(
    found.map(({ key }) => key),
    [...keys].sort()
  )
  const under = await toArray(streamObjects({ bucket, prefix: 'a/' })(client))
  t.same(
    under.map(({ key }) => key),
    ['a/1', 'a/2']
  )
})

t.test(
  'with a delimiter, streamObjects yields common prefixes too, and a cursor of either kind resumes it',
  async (t) => {
    const client = (await startWithObjects(t)).client()
    const input = { bucket, delimiter: '/', maxKeys: 2 }
    const show = (entry: Awaited<ReturnType<typeof all>>[0]) =>
      entry._tag === 'Object' ? entry.key : `(${entry.prefix})`
    const all = (more: object = {}) => toArray(streamObjects({ ...input, ...more })(client))
    const found = await all()
    t.same(found.map(show).sort(), ['(a b+c%/)', '(a/)', '(c/)', 'b'])
    for (const [at, { cursor }] of found.entries()) {
      const rest = (await all({ cursor })).map(show)
      t.same(
        rest.sort(),
        found
          .slice(at + 1)
          .map(show)
          .sort(),
        `after entry ${String(at)}`
      )
    }
  }
)

t.test('an invalid input fails when the stream is read, and nothing is sent', async (t) => {
  const cos = await startWithObjects(t)
  t.match(await catchCosError(toArray(streamObjects({ bucket, maxKeys: 0 })(cos.client()))), {
    _tag: 'InvalidInput',
    field: 'maxKeys'
  })
  t.equal(cos.operations().length, 0)
})
