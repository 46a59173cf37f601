/**
 * Encrypted transfers beside the same transfers without encryption, and beside the cipher alone. A transfer that does both
 * one after the other, and nothing besides, takes the time of both: `1 / (1/cipher + 1/plain)`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { aesKey, encrypted } from '../../lib/index.js'
import { clientAt } from '../clients/cospipe.js'
import { measure, MiB, range, startServer, spread, type Cost, type Table } from './measure.js'
import { rounds } from './settings.js'

const chunkSize = 64 * 1024
const block = Buffer.alloc(256 * 1024, 'x')

/** Segments of 64 KiB, as `sealed` has them. */
const gcmAlone = async (direction: 'up' | 'down', total: number): Promise<void> => {
  const key = randomBytes(32)
  const plain = block.subarray(0, chunkSize)
  const nonceOf = (at: number): Buffer => {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(at / chunkSize)
    return nonce
  }
  const seal = (at: number): readonly [sealed: Buffer, tag: Buffer] => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(at), { authTagLength: 16 })
    const sealed = cipher.update(plain)
    cipher.final()
    return [sealed, cipher.getAuthTag()]
  }
  const [first, firstTag] = seal(0)
  for (let at = 0; at < total; at += chunkSize) {
    if (direction === 'up') {
      seal(at)
      continue
    }
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(0), { authTagLength: 16 })
    decipher.setAuthTag(firstTag)
    decipher.update(first)
    decipher.final()
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
      const cost = await measure(runs[name])
      if (round >= 0) costs[name].push(cost)
    }
  return costs
}

/** `direction`: whether the cipher alone encrypts or decrypts. */
export const compareWithCipher = async (
  title: string,
  direction: 'up' | 'down',
  total: number,
  runs: Readonly<Record<'plain' | 'sealed' | 'python', () => Promise<unknown>>>
): Promise<Table> => {
  const costs = await measureRuns({
    ...runs,
    'GCM alone': () => gcmAlone(direction, total),
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

/** A server, a client for it, and the functions of each format that is written. */
export const prepareVaults = async () => {
  const server = await startServer('null-cos')
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
