/** Encrypted uploads, of a stream and of a file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uploadFile, uploadStream } from '../../lib/index.js'
import { compareWithCipher, prepareVaults } from '../support/beside-cipher.js'
import { value } from '../clients/cospipe.js'
import { MiB, type Table } from '../support/measure.js'
import { bucket, inFlight, partSize } from '../support/peer.js'
import { scale } from '../support/settings.js'

const chunkSize = 64 * 1024

async function* chunks(total: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Buffer.alloc(chunkSize, 'x')
  for (let sent = 0; sent < total; sent += chunkSize) yield chunk
}

export const encryptedUploads = async (): Promise<Table> => {
  const { client, vaults, stop } = await prepareVaults()
  const total = scale(512, 48) * MiB
  const to = { bucket, key: 'k', partSize, concurrency: inFlight }
  const run = (upload: typeof vaults.sealed.uploadStream) => async (): Promise<unknown> =>
    value(await upload(to)(chunks(total))(client)())
  const table = await compareWithCipher(
    `Encrypted upload of ${String(total / MiB)} MiB of unknown length; 8 MiB parts, 4 in flight`,
    'up',
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
  const { client, vaults, stop } = await prepareVaults()
  const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const total = scale(512, 48) * MiB
  const file = join(directory, 'source')
  await writeFile(file, Buffer.alloc(total, 'x'))
  const to = { bucket, key: 'k', file, partSize, concurrency: inFlight, resume: 'never' } as const
  const checkpoint = join(directory, 'state')
  const run = (upload: typeof vaults.sealed.uploadFile) => async (): Promise<unknown> =>
    value(await upload({ ...to, checkpoint })(client)())
  const table = await compareWithCipher(
    `Encrypted upload of a file of ${String(total / MiB)} MiB, with a journal; 8 MiB parts, 4 in flight`,
    'up',
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
