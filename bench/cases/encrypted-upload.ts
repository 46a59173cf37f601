/**
 * Encrypted uploads beside the same uploads without encryption, and beside the cipher alone. An upload that does both one
 * after the other, and nothing besides, takes the time of both: `1 / (1/cipher + 1/plain)`.
 */
import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { aesKey, encrypted, uploadFile, uploadStream } from '../../lib/index.js'
import { clientAt, value } from '../support/contenders.js'
import { measured, MiB, range, serverProcess, spread, type Cost, type Table } from '../support/measure.js'
import { bucket, inFlight, partSize } from '../support/peer.js'
import { rounds, scaled } from '../support/settings.js'

const chunkSize = 64 * 1024

async function* chunks(total: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Buffer.alloc(chunkSize, 'x')
  for (let sent = 0; sent < total; sent += chunkSize) yield chunk
}

const block = Buffer.alloc(256 * 1024, 'x')

/** Segments of 64 KiB, as `sealed` has them. */
const gcmAlone = async (total: number): Promise<void> => {
  const key = randomBytes(32)
  for (let at = 0; at < total; at += chunkSize) {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(at / chunkSize)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
    cipher.update(block.subarray(0, chunkSize))
    cipher.final()
    cipher.getAuthTag()
  }
}

const ctrAlone = async (total: number): Promise<void> => {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16))
  for (let at = 0; at < total; at += block.length) cipher.update(block)
}

type Run = 'GCM alone' | 'CTR alone' | 'plain' | 'sealed' | 'python'

/** Each run in turn, round by round; the first round is a warm-up and is not counted. */
const measureRuns = async (
  runs: Readonly<Record<Run, () => Promise<unknown>>>
): Promise<Readonly<Record<Run, ReadonlyArray<Cost>>>> => {
  const names = ['GCM alone', 'CTR alone', 'plain', 'sealed', 'python'] as const
  const costs: Record<Run, Array<Cost>> = {
    'GCM alone': [],
    'CTR alone': [],
    plain: [],
    sealed: [],
    python: []
  }
  for (let round = -1; round < rounds; round += 1)
    for (const name of names) {
      const cost = await measured(runs[name])
      if (round >= 0) costs[name].push(cost)
    }
  return costs
}

const compare = async (
  title: string,
  total: number,
  runs: Readonly<Record<'plain' | 'sealed' | 'python', () => Promise<unknown>>>
): Promise<Table> => {
  const costs = await measureRuns({
    ...runs,
    'GCM alone': () => gcmAlone(total),
    'CTR alone': () => ctrAlone(total)
  })
  const count = total / MiB
  const speed = (costs: ReadonlyArray<Cost>): string =>
    range(spread(costs.map(({ seconds }) => count / seconds)))
  const work = (costs: ReadonlyArray<Cost>): string =>
    range(spread(costs.map(({ cpu }) => (cpu * 1e6) / count)))
  /** 1.00: no time besides those of the cipher and of the plain transfer. */
  const ofBoth = (cipher: Run, transfer: Run, by: 'seconds' | 'cpu'): string =>
    range(
      spread(
        costs[transfer].map(
          (cost, at) => ((costs[cipher][at]?.[by] ?? 0) + (costs.plain[at]?.[by] ?? 0)) / cost[by]
        )
      ),
      2
    )
  const row = (name: string, run: Run, cipher?: Run): ReadonlyArray<string> => [
    name,
    speed(costs[run]),
    work(costs[run]),
    ...(cipher === undefined ? ['', ''] : [ofBoth(cipher, run, 'seconds'), ofBoth(cipher, run, 'cpu')])
  ]
  return {
    title,
    columns: ['', 'MiB/s', 'CPU µs / MiB', 'speed / (1 / (1/cipher + 1/plain))', 'the same of CPU time'],
    rows: [
      row('node:crypto alone, AES-256-GCM, 64 KiB', 'GCM alone'),
      row('node:crypto alone, AES-256-CTR, 256 KiB', 'CTR alone'),
      row('plain', 'plain'),
      row('sealed', 'sealed', 'GCM alone'),
      row('python (CTR)', 'python', 'CTR alone')
    ]
  }
}

const prepare = async () => {
  const server = await serverProcess('null-cos')
  const client = clientAt(server.address)
  const key = aesKey(randomBytes(32))
  if (E.isLeft(key)) throw new Error('no key')
  return {
    client,
    vaults: {
      sealed: encrypted(key.right),
      python: encrypted(key.right, { format: 'python' })
    },
    stop: async () => {
      await client.close()
      server.stop()
    }
  }
}

export const encryptedUploads = async (): Promise<Table> => {
  const { client, vaults, stop } = await prepare()
  const total = scaled(512, 48) * MiB
  const to = { bucket, key: 'k', partSize, concurrency: inFlight }
  const run = (upload: typeof vaults.sealed.uploadStream) => async (): Promise<unknown> =>
    value(await upload(to)(chunks(total))(client)())
  const table = await compare(
    `Encrypted upload of ${String(total / MiB)} MiB of unknown length; 8 MiB parts, 4 in flight`,
    total,
    {
      plain: async () => value(await uploadStream(to)(chunks(total))(client)()),
      sealed: run(vaults.sealed.uploadStream),
      python: run(vaults.python.uploadStream)
    }
  )
  await stop()
  return table
}

export const encryptedFiles = async (): Promise<Table> => {
  const { client, vaults, stop } = await prepare()
  const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const total = scaled(512, 48) * MiB
  const file = join(directory, 'source')
  await writeFile(file, Buffer.alloc(total, 'x'))
  const to = { bucket, key: 'k', file, partSize, concurrency: inFlight, resume: 'never' } as const
  const checkpoint = join(directory, 'state')
  const run = (upload: typeof vaults.sealed.uploadFile) => async (): Promise<unknown> =>
    value(await upload({ ...to, checkpoint })(client)())
  const table = await compare(
    `Encrypted upload of a file of ${String(total / MiB)} MiB, with a journal; 8 MiB parts, 4 in flight`,
    total,
    {
      plain: async () => value(await uploadFile({ ...to, checkpoint })(client)()),
      sealed: run(vaults.sealed.uploadFile),
      python: run(vaults.python.uploadFile)
    }
  )
  await rm(directory, { recursive: true })
  await stop()
  return table
}
