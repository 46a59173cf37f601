import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { contextWithoutObject, CosException } from '../../../lib/core/error.js'
import { crc64 } from '../../../lib/core/crc64.js'
import { MiB } from '../../../lib/core/limits.js'
import { createObjectCipher, layouts, type WriteFormat } from '../../../lib/encryption/object-cipher.js'
import { openSource } from '../../../lib/files/source-file.js'
import { createMemoryBudget } from '../../../lib/stages/memory-budget.js'
import { partBodies } from '../../../lib/transfers/upload/part-bodies.js'
import type { UploadEncryption } from '../../../lib/transfers/upload/upload-encryption.js'
import { bytesOf, joinBytes, splitBytes } from '../../support/bytes.js'
import { aes, at } from '../../support/encryption.js'
import { left, right } from '../../support/server.js'

const range = { number: 2, first: MiB, size: MiB }
const original = bytesOf(2 * MiB + 7)
const random = (size: number): Uint8Array => bytesOf(size, size)
const failIfUsed = (): never => {
  throw new Error('not used')
}

interface Given {
  readonly format: WriteFormat
  /** Of the budget, in bytes. */
  readonly room: number
  readonly digests?: ReadonlyMap<number, string>
  /** Of the file. */
  readonly bytes?: Uint8Array
  readonly append?: (number: number, digest: string) => Promise<void>
}

interface Test {
  readonly teardown: (clean: () => unknown) => unknown
  readonly testdir: (fixture: Record<string, string>) => string
}

const prepare = async (t: Test, { format, room, digests = new Map(), bytes = original, append }: Given) => {
  const path = join(t.testdir({}), 'source')
  await writeFile(path, bytes)
  const opened = right(await openSource(contextWithoutObject('uploadFile'), path)())
  t.teardown(() => opened.handle.close())
  const now = { read: 0, appended: [] as Array<readonly [number, string]> }
  const file: typeof opened = {
    ...opened,
    handle: {
      ...opened.handle,
      read: async (...args) => {
        const result = await opened.handle.read(...args)
        now.read += result.bytesRead
        return result
      }
    }
  }
  const memory = createMemoryBudget({ limit: room })
  const encryption: UploadEncryption = {
    ...layouts[format],
    memory,
    create: failIfUsed,
    hasFormat: failIfUsed,
    restore: failIfUsed,
    storedCrc64: failIfUsed
  }
  const cipher = right(await createObjectCipher(aes, at, { format, bindsName: true }, random)())
  const source = { file, encryption: O.some(encryption), scope: { outerClient: { memory: O.none } } }
  const bodyOf = partBodies(
    source,
    O.some(cipher),
    O.some({
      cipher,
      digests,
      append:
        append ??
        ((number, digest) => {
          now.appended.push([number, digest])
          return Promise.resolve()
        })
    })
  )
  const extent = { offset: range.first, last: false }
  const plain = original.subarray(range.first, range.first + range.size)
  const expected = await joinBytes(cipher.encrypt(extent)(splitBytes(plain, 100_000)))
  return { path, bodyOf, memory, now, expected }
}

const formats: ReadonlyArray<WriteFormat> = ['sealed', 'python']
const rooms = [
  ['with room in memory', 2 * MiB],
  ['without', MiB / 2]
] as const

t.test('a part that has room in memory is read once, and its retries are the same bytes', async (t) => {
  for (const format of formats) {
    const { path, bodyOf, memory, now, expected } = await prepare(t, { format, room: 2 * MiB })
    const { body, size, release } = right(await bodyOf(range)())
    if (typeof body !== 'object' || !('chunks' in body)) return t.fail('not in memory')
    t.equal(now.read, MiB)
    t.same(
      now.appended.map(([number]) => number),
      [2],
      'the digest is in the journal'
    )
    t.equal(size, expected.length)
    t.ok(Buffer.concat(body.chunks).equals(expected))
    t.equal(body.crc64, await crc64(expected))
    t.ok(memory.granted() >= size)
    await writeFile(path, bytesOf(original.length, 9))
    t.ok(Buffer.concat(body.chunks).equals(expected), 'after an edit')
    release()
    release()
    t.equal(memory.granted(), 0)
  }
  return undefined
})

t.test('a part that has none is read to record it, and again for each attempt', async (t) => {
  for (const format of formats) {
    const { path, bodyOf, memory, now, expected } = await prepare(t, { format, room: MiB / 2 })
    const { body, size, release } = right(await bodyOf(range)())
    if (typeof body !== 'object' || !('open' in body)) return t.fail('in memory')
    t.equal(now.read, MiB)
    t.equal(now.appended.length, 1)
    t.equal(size, expected.length)
    for (const attempt of [1, 2]) {
      t.ok((await joinBytes(body.open())).equals(expected), `attempt ${String(attempt)}`)
      t.equal(now.read, (attempt + 1) * MiB)
    }
    await writeFile(path, bytesOf(original.length, 9))
    await t.rejects(joinBytes(body.open()), CosException)
    release()
    t.equal(memory.granted(), 0)
  }
  return undefined
})

t.test('a part is refused if its bytes are not those of the digest in the journal', async (t) => {
  for (const format of formats)
    for (const [about, room] of rooms) {
      const first = await prepare(t, { format, room })
      right(await first.bodyOf(range)()).release()
      const digests = new Map(first.now.appended)
      const same = await prepare(t, { format, room, digests })
      right(await same.bodyOf(range)()).release()
      t.same(same.now.appended, [], `${format}, ${about}: it is not written again`)
      const changed = Buffer.from(original)
      changed[range.first + 300_000] = changed[range.first + 300_000]! ^ 1
      const edited = await prepare(t, { format, room, digests, bytes: changed })
      t.match(left(await edited.bodyOf(range)()), { _tag: 'SourceError' }, `${format}, ${about}`)
      t.equal(edited.memory.granted(), 0)
      t.same(edited.now.appended, [])
    }
})

t.test('a part is not sent without its digest on the disk, and returns its memory', async (t) => {
  for (const [about, room] of rooms) {
    const append = (): Promise<void> => Promise.reject(new Error('disk full'))
    const { bodyOf, memory } = await prepare(t, { format: 'sealed', room, append })
    t.ok(E.isLeft(await bodyOf(range)()), about)
    t.equal(memory.granted(), 0)
    const beyond = { number: 3, first: 2 * MiB, size: 8 }
    t.match(left(await bodyOf(beyond)()), { _tag: 'SourceError' }, `${about}: the file is shorter`)
    t.equal(memory.granted(), 0)
  }
})
