/** Throughput of large objects: up from a stream of unknown length, down to a stream, and down to a file. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { contendersOf, setUp } from '../support/contenders.js'
import { compareContenders, MiB, type Table } from '../support/measure.js'
import { scaled } from '../support/settings.js'

const chunkSize = 64 * 1024

async function* chunks(total: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Buffer.alloc(chunkSize, 'x')
  for (let sent = 0; sent < total; sent += chunkSize) yield chunk
}

const discard = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done()
    }
  })

const sizeIn = (bytes: number): string => `${String(bytes / MiB)} MiB`

export const compareUploads = async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const total = scaled(1024, 48) * MiB
  const table = await compareContenders(
    `Upload of ${sizeIn(total)} of unknown length, in chunks of 64 KiB; 8 MiB parts, 4 in flight`,
    { count: total / MiB, unit: 'MiB' },
    contendersOf(contenders, ({ upload }) => upload && (() => upload('k', () => chunks(total))))
  )
  await stop()
  return table
}

export const compareDownloads = async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const total = scaled(512, 48) * MiB
  const table = await compareContenders(
    `Download of ${sizeIn(total)} to a stream, discarded`,
    { count: total / MiB, unit: 'MiB' },
    contendersOf(
      contenders,
      ({ download }) =>
        download && (async () => pipeline(await download(`zeros-${String(total)}`), discard()))
    )
  )
  await stop()
  return table
}

export const compareFileDownloads = async (): Promise<Table> => {
  const { contenders, stop } = await setUp()
  const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const total = scaled(512, 48) * MiB
  let run = 0
  const table = await compareContenders(
    `Download of ${sizeIn(total)} to a file`,
    { count: total / MiB, unit: 'MiB' },
    contendersOf(
      contenders,
      ({ downloadFile }) =>
        downloadFile && (() => downloadFile(`zeros-${String(total)}`, join(directory, String((run += 1))))),
      () => rm(join(directory, String(run)))
    )
  )
  await rm(directory, { recursive: true })
  await stop()
  return table
}
