/** Uploads are killed at any moment, and the next run resumes them. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { send } from '../../../lib/client/send.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { bytesOf } from '../../support/bytes.js'
import { startChild, type Step } from '../../support/child-processes.js'
import { waitFor } from '../../support/wait-for.js'
import { bucket, startCos } from '../../support/cos.js'
import { right } from '../../support/server.js'

const MiB = 1024 * 1024
const partSize = MiB
const concurrency = 3
const bytes = bytesOf(12 * MiB + 7)
// 2 of each in `npm test`; 100 in `npm run test:crash`.
const kills = Number(process.env['CRASH_RUNS'] ?? 1)
const seed = Number(process.env['SEED'] ?? 20240501)

/** The instants, in milliseconds after the beginning: the same for the same seed. */
const instants = (salt: number): ReadonlyArray<number> => {
  const random = bytesOf(kills * 2, seed + salt)
  return Array.from({ length: kills }, (_, n) => (random.readUInt16LE(n * 2) / 65536) * 450)
}

const shapes: ReadonlyArray<readonly [name: string, step: (key: string, folder: string) => Step]> = [
  [
    'a file',
    (key, folder) => ({
      call: 'uploadFile',
      input: {
        bucket,
        key,
        file: join(folder, 'source'),
        partSize,
        concurrency,
        threshold: MiB,
        skipExisting: true,
        checkpoint: folder
      }
    })
  ],
  [
    'a stream that can be opened again',
    (key, folder) => ({
      call: 'uploadStream',
      input: { bucket, key, partSize, concurrency, resume: { minAge: 0 } },
      source: join(folder, 'source')
    })
  ]
]

for (const [salt, [name, step]] of shapes.entries()) {
  t.test(
    `${name}: after a kill at any moment the next run sends only the missing parts, and no upload remains`,
    async (t) => {
      const folder = t.testdir({ source: bytes })
      let underway = 0
      const cos = await startCos(t, {
        // Slow enough that instants fall everywhere: into the beginning, between parts, into the completion.
        fault: ({ operation }) => {
          underway += 1
          return operation === 'HeadObject' ? undefined : { delay: 25 }
        },
        onRequest: () => {
          underway -= 1
        }
      })
      const sum = String(await crc64(bytes))
      for (const [n, instant] of instants(salt).entries()) {
        const key = `${String(salt)}/${String(n)}`
        const about = `seed ${String(seed)}, kill ${String(n)} after ${instant.toFixed(1)} ms`
        const idle = cos.emulator.openConnections()
        const first = await startChild(cos.emulator, [step(key, folder)])
        first.start()
        await setTimeout(instant)
        await first.kill()
        // What it sent may still be on its way, and has to be over before it is counted.
        await setTimeout(60)
        await waitFor(() => underway === 0 && cos.emulator.openConnections() <= idle)
        const requested = cos.emulator.requests().filter((each) => each.key === key)
        const before = requested.filter((each) => each.operation === 'UploadPart')
        const there = before.filter(({ status }) => status === 200).length
        const wasDone = requested.some(
          (each) => each.operation === 'CompleteMultipartUpload' && each.code === ''
        )

        const second = await startChild(cos.emulator, [step(key, folder)])
        second.start()
        const [result] = (await second.results) as ReadonlyArray<{
          readonly _tag: string
          readonly right: Sent
        }>
        t.equal(result?._tag, 'Right', about)
        t.match(result?.right, { crc64: sum, integrity: { _tag: 'Verified' } }, about)
        const sent = cos.emulator
          .requests()
          .filter((each) => each.key === key && each.operation === 'UploadPart')
          .slice(before.length)
        const missing = 13 - there
        // The object may already be complete, and a stream is not compared before it is read.
        if (!wasDone || salt === 0) {
          t.ok(
            sent.length <= (wasDone ? 0 : missing),
            `${about}: ${String(sent.length)} parts sent, ${String(missing)} were missing`
          )
        }
        const left = right(await send(listMultipartUploads({ bucket, prefix: key }))(cos.client())())
        // An upload killed before its checkpoint was written has no parts, and its id is not known here.
        const unknown = salt === 0 && there === 0 ? 1 : 0
        t.ok(left.uploads.length <= unknown, `${about}: no orphan`)
        const { body } = right(await send(getObject({ bucket, key }))(cos.client())())
        t.ok(bytes.equals(Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>)), about)
      }
    }
  )
}

interface Sent {
  readonly crc64: string
  readonly integrity: { readonly _tag: string }
}
