/** Encrypted downloads, to a stream and to a file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { downloadFile, downloadStream, putObject, send } from '../../lib/index.js'
import { compareWithCipher, prepareVaults } from '../support/beside-cipher.js'
import { value } from '../clients/cospipe.js'
import { MiB, type Table } from '../support/measure.js'
import { bucket, inFlight, partSize } from '../support/peer.js'
import { scale } from '../support/settings.js'

const discard = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done()
    }
  })

/** Keys that the server keeps. */
const keys = { plain: 'kept-plain', sealed: 'kept-sealed', python: 'kept-python' } as const

/** The same bytes as an object of each kind. */
const prepareObjects = async (total: number) => {
  const prepared = await prepareVaults()
  const { client, vaults } = prepared
  const block = Buffer.alloc(256 * 1024, 'x')
  const body = {
    size: total,
    async *open() {
      for (let at = 0; at < total; at += block.length) yield block
    }
  }
  value(await send(putObject({ bucket, key: keys.plain, body }))(client)())
  value(await vaults.sealed.putObject({ bucket, key: keys.sealed, body })(client)())
  value(await vaults.python.putObject({ bucket, key: keys.python, body })(client)())
  return prepared
}

export const encryptedDownloads = async (): Promise<Table> => {
  const total = scale(256, 48) * MiB
  const { client, vaults, stop } = await prepareObjects(total)
  const from = (key: string) => ({ bucket, key, partSize, concurrency: inFlight })
  const table = await compareWithCipher(
    `Encrypted download of ${String(total / MiB)} MiB to a stream, discarded; 8 MiB parts, 4 in flight`,
    'down',
    total,
    {
      plain: async () => pipeline(value(await downloadStream(from(keys.plain))(client)()).body, discard()),
      sealed: async () =>
        pipeline(value(await vaults.sealed.downloadStream(from(keys.sealed))(client)()).body, discard()),
      python: async () =>
        pipeline(value(await vaults.python.downloadStream(from(keys.python))(client)()).body, discard())
    }
  )
  await stop()
  return table
}

export const encryptedFilesDown = async (): Promise<Table> => {
  const total = scale(256, 48) * MiB
  const { client, vaults, stop } = await prepareObjects(total)
  const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const from = (key: string) => ({
    bucket,
    key,
    file: join(directory, 'target'),
    partSize,
    concurrency: inFlight
  })
  const table = await compareWithCipher(
    `Encrypted download of ${String(total / MiB)} MiB to a file; 8 MiB parts, 4 in flight`,
    'down',
    total,
    {
      plain: async () => value(await downloadFile(from(keys.plain))(client)()),
      sealed: async () => value(await vaults.sealed.downloadFile(from(keys.sealed))(client)()),
      python: async () => value(await vaults.python.downloadFile(from(keys.python))(client)())
    }
  )
  await rm(directory, { recursive: true })
  await stop()
  return table
}
