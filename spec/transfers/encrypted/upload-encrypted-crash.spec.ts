/** Encrypted uploads are killed at any moment, and the file is edited after half of the kills. */
import { appendFile, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { send } from '../../../lib/client/send.js'
import { KiB, MiB } from '../../../lib/core/limits.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { listParts } from '../../../lib/operations/list-parts.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../../support/bytes.js'
import { startChild, type Step } from '../../support/child-processes.js'
import { bucket, startCos } from '../../support/cos.js'
import { readBytes } from '../../support/encryption.js'
import { createKeyStreams } from '../../support/key-streams.js'
import { recordBodies } from '../../support/received-bodies.js'
import { right } from '../../support/server.js'
import { waitFor } from '../../support/wait-for.js'

const partSize = MiB + 64 * KiB
const original = bytesOf(3 * partSize + 7)
const other = bytesOf(original.length, 3)
const parts = 4
const secret = bytesOf(32, 11).toString('base64')
const key = right(aesKey(secret))
// 2 in `npm test`; 100 in `npm run test:crash`.
const kills = Number(process.env['CRASH_RUNS'] ?? 2)
const seed = Number(process.env['SEED'] ?? 20261128)

/** A kill follows `delay` milliseconds after the request number `after` has arrived. The same for the same seed. */
const random = bytesOf(kills * 4, seed)
const instant = (n: number) => ({
  after: ((random[2 * n] ?? 0) * (parts + 3)) >> 8,
  delay: ((random[2 * n + 1] ?? 0) * 60) >> 8
})

const flip = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes)
  changed[at] = changed[at]! ^ 1
  return changed
}

/** One bit in the middle with the old time, all bytes, or a longer end. */
const edits: ReadonlyArray<(file: string) => Promise<void>> = [
  async (file) => {
    const { atime, mtime } = await stat(file)
    await writeFile(file, flip(original, 2 * MiB + 5))
    await utimes(file, atime, mtime)
  },
  (file) => writeFile(file, other),
  (file) => appendFile(file, 'more')
]

t.test(
  'no key stream has two plaintexts after a kill at any moment, and the object is the edited file',
  async (t) => {
    const folder = t.testdir({})
    const file = join(folder, 'source')
    let underway = 0
    let arrived = 0
    const cos = await startCos(t, {
      fault: () => {
        underway += 1
        arrived += 1
        return { delay: 10 }
      },
      onRequest: () => {
        underway -= 1
      }
    })
    const received = recordBodies(t, cos.emulator)
    const dataKeys = new Set<string>()
    let count = 0
    let resumed = 0
    for (let n = 0; n < kills; n += 1) {
      const format = n % 2 === 0 ? 'sealed' : 'python'
      const isEdited = n % 4 === 0 || n % 4 === 3
      // Every third has no room for a part in memory: its file is read twice.
      const memoryLimit = n % 3 === 1 ? 2 * MiB : undefined
      // Every third is killed twice: what a run resumed is resumed once more.
      const instants = n % 3 === 2 ? [instant(2 * n), instant(2 * n + 1)] : [instant(2 * n)]
      const about = `seed ${String(seed)}, kill ${String(n)}, ${format}, after ${JSON.stringify(instants)}`
      const at = { bucket, key: `k/${String(n)}` }
      // 25 MiB/s, in bits: a part takes 40 ms, and many are killed in their middle.
      const pace = { trafficLimit: 25 * 8 * MiB }
      const input = { ...at, file, partSize, concurrency: 2, threshold: MiB, checkpoint: folder, ...pace }
      const step: Step = { call: 'uploadFile', input, encrypted: { secret, format } }
      const idle = cos.emulator.openConnections()
      await writeFile(file, original)
      for (const { after, delay } of instants) {
        const child = await startChild(cos.emulator, [step], { memoryLimit })
        let isOver = false
        void child.results.then(() => {
          isOver = true
        })
        arrived = 0
        child.start()
        await waitFor(() => arrived >= after || isOver)
        await setTimeout(delay)
        await child.kill()
        // What it sent may still be on its way, and has to be over before it is counted.
        await setTimeout(60)
        await waitFor(() => underway === 0 && cos.emulator.openConnections() <= idle)
      }
      const requests = () => cos.emulator.requests().filter((each) => each.key === at.key)
      const before = requests()
      const stored = new Set(
        before.flatMap(({ operation, status, query }) =>
          operation === 'UploadPart' && status === 200 ? [query['partNumber']] : []
        )
      )
      const wasDone = before.some(
        (each) => each.operation === 'CompleteMultipartUpload' && each.status === 200
      )
      if (isEdited) await edits[Math.floor(n / 4) % edits.length]!(file)

      const last = await startChild(cos.emulator, [step], { memoryLimit })
      last.start()
      const [result] = (await last.results) as ReadonlyArray<{
        readonly right?: { readonly resumed: number; readonly storedSize: number }
      }>
      t.ok(result?.right !== undefined, `${about}: ${JSON.stringify(result)}`)
      const plaintext = await readFile(file)
      const vault = encrypted(key, { format })
      t.ok(right(await readBytes(vault.getObject(at))(cos.client())()).equals(plaintext), about)

      const streams = createKeyStreams(key, partSize)
      t.same(await streams.add(received()), [], about)
      for (const each of streams.dataKeys().keys()) {
        count += 1
        dataKeys.add(each)
      }
      const sent = requests()
        .slice(before.length)
        .filter(({ operation }) => operation === 'UploadPart').length
      if (result?.right !== undefined && result.right.resumed > 0) resumed += 1
      if (isEdited) t.equal(result?.right?.resumed, 0, `${about}: a new data key`)
      else if (!wasDone)
        t.equal(sent, parts - stored.size, `${about}: the missing parts were sent, and no others`)
      const left = right(await send(listMultipartUploads({ bucket, prefix: at.key }))(cos.client())())
      // Of a run that was killed before its checkpoint was written, the id is not known here.
      for (const { uploadId } of left.uploads)
        t.same(
          right(await send(listParts({ ...at, uploadId }))(cos.client())()).parts,
          [],
          `${about}: an upload that was not found again has no parts`
        )
    }
    t.equal(dataKeys.size, count, 'no two keys share a data key')
    t.comment(`${String(resumed)} of ${String(kills)} runs resumed`)
  }
)
