/**
 * Each code point that a key may hold survives PUT, listing and GET. `npm run fuzz` tries all of them; `npm test` tries
 * the first 12,480 (where almost all characters that have a meaning to a parser are) and every 128th key of the rest.
 */
import fc from 'fast-check'
import t from 'tap'
import { send } from '../../lib/client/send.js'
import { getObject } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { streamObjects } from '../../lib/transfers/list/stream-objects.js'
import { bucket, startCos } from '../support/cos.js'
import { right } from '../support/server.js'

const isComplete = fc.readConfigureGlobal().numRuns !== undefined

const isAllowed = (point: number): boolean =>
  !(point >= 0xd800 && point <= 0xdfff) && !(point >= 0x18 && point <= 0x1b)

/** Keys of at most 850 bytes that together have all code points; each key starts with its number. */
const allKeys = (): ReadonlyArray<string> => {
  const points = Array.from({ length: 0x110000 }, (_, point) => point).filter(isAllowed)
  return Array.from(
    { length: Math.ceil(points.length / 208) },
    (_, n) => `${String(n)}:${String.fromCodePoint(...points.slice(n * 208, (n + 1) * 208))}`
  )
}

const keys = allKeys().filter((_, n) => isComplete || n < 60 || n % 128 === 0)

t.test('every code point in a key survives PUT, listing and GET', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const each = async (work: (key: string) => Promise<void>): Promise<void> => {
    const rest = keys[Symbol.iterator]()
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (const key of rest) await work(key)
      })
    )
  }
  await each(async (key) => {
    right(await send(putObject({ bucket, key, body: key }))(client)())
  })
  const listed = new Set<string>()
  for await (const { key } of streamObjects({ bucket })(client)) listed.add(key)
  t.equal(listed.size, keys.length)
  t.same(
    keys.filter((key) => !listed.has(key)),
    []
  )
  const wrong: Array<string> = []
  await each(async (key) => {
    const { body } = right(await send(getObject({ bucket, key }))(client)())
    const chunks = (await body.toArray()) as ReadonlyArray<Buffer>
    if (Buffer.concat(chunks).toString() !== key) wrong.push(key)
  })
  t.same(wrong, [])
})
