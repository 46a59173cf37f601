/** Throughput of large objects: up from a stream of unknown length, down to a stream, and down to a file. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { comparison } from '../support/contest.js'
import { MiB } from '../support/measure.js'
import { scale } from '../support/settings.js'

const chunkSize = 64 * 1024

export async function* chunks(total: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Buffer.alloc(chunkSize, 'x')
  for (let sent = 0; sent < total; sent += chunkSize) yield chunk
}

export const discard = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done()
    }
  })

const up = scale(1024, 48)
const down = scale(512, 48)
const downKey = `zeros-${String(down * MiB)}`

export const uploads = comparison(
  `Upload of ${String(up)} MiB of unknown length, in chunks of 64 KiB; 8 MiB parts, 4 in flight`,
  { count: up, unit: 'MiB' },
  ({ upload }) => upload && { run: () => upload('k', () => chunks(up * MiB)) }
)

export const downloads = comparison(
  `Download of ${String(down)} MiB to a stream, discarded`,
  { count: down, unit: 'MiB' },
  ({ download }) => download && { run: async () => pipeline(await download(downKey), discard()) }
)

export const fileDownloads = comparison(
  `Download of ${String(down)} MiB to a file`,
  { count: down, unit: 'MiB' },
  ({ downloadFile }, directory) => {
    const file = join(directory, 'file')
    return downloadFile && { run: () => downloadFile(downKey, file), after: () => rm(file) }
  }
)
