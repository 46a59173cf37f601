/** The memory limit of an upload of unknown length, with chunks of several sizes. */
import * as E from 'fp-ts/lib/Either.js'
import { formatError, uploadStream, type Client } from '../../lib/index.js'
import { clientAt } from '../clients/cospipe.js'
import { measure, MiB, startServer, type Table } from '../support/measure.js'
import { scale } from '../support/settings.js'

const partSize = 8 * MiB
const concurrency = 4
const bound = (concurrency + 1) * partSize + 8 * MiB

interface Shape {
  readonly name: string
  readonly total: number
  readonly chunks: (total: number) => AsyncIterable<Uint8Array>
}

async function* views(
  total: number,
  size: number,
  slab: number
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let sent = 0; sent < total;) {
    const bytes = Buffer.allocUnsafeSlow(slab)
    for (let at = 0; at < slab && sent < total; at += size, sent += size) yield bytes.subarray(at, at + size)
  }
}

const one = Buffer.alloc(256 * MiB)

const shapes: ReadonlyArray<Shape> = [
  { name: '1 byte', total: scale(24, 1) * MiB, chunks: (total) => views(total, 1, 64 * 1024) },
  {
    name: '1 KiB views of 64 KiB slabs',
    total: scale(1024, 48) * MiB,
    chunks: (total) => views(total, 1024, 64 * 1024)
  },
  ...[scale(1024, 48), scale(10 * 1024, 48)].map((total) => ({
    name: '64 KiB',
    total: total * MiB,
    chunks: (size: number) => views(size, 64 * 1024, 64 * 1024)
  })),
  {
    name: 'one of 256 MiB',
    total: 256 * MiB,
    async *chunks() {
      yield one
    }
  }
]

const upload = async (client: Client, shape: Shape): Promise<void> => {
  const to = { bucket: 'examplebucket-1250000000', key: 'memory', partSize, concurrency }
  const result = await uploadStream(to)(shape.chunks(shape.total))(client)()
  if (E.isLeft(result)) throw new Error(formatError(result.left))
}

export const uploadMemory = async (): Promise<Table> => {
  const server = await startServer('null-cos')
  const client = clientAt(server.address)
  const rows: Array<ReadonlyArray<string>> = []
  for (const shape of shapes) {
    const cost = await measure(() => upload(client, shape), bound)
    rows.push([
      shape.name,
      String(shape.total / MiB),
      (cost.arrayBuffers / MiB).toFixed(1),
      String(bound / MiB),
      cost.arrayBuffers <= bound ? 'yes' : 'NO',
      (shape.total / MiB / cost.seconds).toFixed(0)
    ])
  }
  await client.close()
  server.stop()
  return {
    title: 'Upload of unknown length, 8 MiB parts, 4 in flight',
    columns: ['chunks', 'total, MiB', 'peak arrayBuffers, MiB', 'ceiling, MiB', 'held', 'MiB/s'],
    rows
  }
}
