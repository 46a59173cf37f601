/** Every way of an object's bytes up and down, of different sizes and with different numbers of requests. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import type * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as Cos from '../../lib/index.js'
import type { Client, CosEffect, CosError } from '../../lib/index.js'
import { bytesOf } from '../support/bytes.js'
import { bucket } from '../support/cos.js'
import { aes } from '../support/encryption.js'
import { right } from '../support/server.js'
import { readBody } from './read-body.js'

const MiB = 1024 * 1024
const partSize = MiB

/** The bytes of an object in one request, and of one in several. */
const small = bytesOf(3000, 1)
const large = bytesOf(2 * MiB + 1000, 2)

export interface Cell {
  readonly key: string
  /** An existing directory. */
  readonly directory: string
}

export interface Way {
  readonly name: string
  readonly direction: 'up' | 'down'
  readonly bytes: Buffer
  /** The object is stored encrypted. */
  readonly isEncrypted?: boolean
  /** Up: the result. Down: the bytes. */
  readonly run: (client: Client, cell: Cell) => Promise<E.Either<CosError, unknown>>
}

const vault = Cos.encrypted(aes)

const refOf = ({ key }: Cell) => ({ bucket, key })
const partsOf = (cell: Cell) => ({ ...refOf(cell), partSize, concurrency: 2 })

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
}

const fileOf = ({ directory }: Cell): string => join(directory, 'file')
const withFile = (bytes: Buffer, cell: Cell): string => {
  writeFileSync(fileOf(cell), bytes)
  return fileOf(cell)
}

type Effect = (cell: Cell, bytes: Buffer) => CosEffect<unknown>

const up = (name: string, bytes: Buffer, effect: Effect, isEncrypted = false): Way => ({
  name,
  direction: 'up',
  bytes,
  isEncrypted,
  run: (client, cell) => effect(cell, bytes)(client)()
})

const down = (name: string, bytes: Buffer, effect: Effect, isEncrypted = false): Way => ({
  name,
  direction: 'down',
  bytes,
  isEncrypted,
  run: (client, cell) =>
    pipe(
      effect(cell, bytes)(client),
      TE.chain((value) =>
        typeof value === 'object' && value !== null && 'body' in value
          ? readBody(value as { readonly body: AsyncIterable<Uint8Array> })
          : TE.right<CosError, unknown>(value instanceof Uint8Array ? value : readFileSync(fileOf(cell)))
      )
    )()
})

/** A body that is read once may not be sent again: its first failure is final. */
export const ways: ReadonlyArray<Way> = [
  up('putObject', small, (cell, body) => Cos.send(Cos.putObject({ ...refOf(cell), body }))),
  up('putObject of a stream', small, (cell, bytes) =>
    Cos.send(Cos.putObject({ ...refOf(cell), body: chunks(bytes), contentLength: bytes.length }))
  ),
  up('uploadStream', small, (cell, bytes) => Cos.uploadStream(partsOf(cell))(chunks(bytes))),
  up('uploadStream in parts', large, (cell, bytes) => Cos.uploadStream(partsOf(cell))(chunks(bytes))),
  up('uploadFile in parts', large, (cell, bytes) =>
    Cos.uploadFile({ ...partsOf(cell), file: withFile(bytes, cell), threshold: MiB })
  ),
  up('encrypted putObject', small, (cell, body) => vault.putObject({ ...refOf(cell), body }), true),
  up(
    'encrypted uploadStream in parts',
    large,
    (cell, bytes) => vault.uploadStream(partsOf(cell))(chunks(bytes)),
    true
  ),
  down('getObject', small, (cell) => Cos.send(Cos.getObject(refOf(cell)))),
  down(
    'getObject and toBuffer',
    small,
    (cell) => (client) =>
      pipe(
        Cos.send(Cos.getObject(refOf(cell)))(client),
        TE.chain((got) => Cos.toBuffer(MiB)(got)(client))
      )
  ),
  down(
    'getObject and toFile',
    small,
    (cell) => (client) =>
      pipe(
        Cos.send(Cos.getObject(refOf(cell)))(client),
        TE.chain((got) => Cos.toFile(fileOf(cell))(got)(client))
      )
  ),
  down('downloadStream in ranges', large, (cell) => Cos.downloadStream(partsOf(cell))),
  down('downloadFile in ranges', large, (cell) => Cos.downloadFile({ ...partsOf(cell), file: fileOf(cell) })),
  down('encrypted getObject', small, (cell) => vault.getObject(refOf(cell)), true),
  down('encrypted downloadStream in ranges', large, (cell) => vault.downloadStream(partsOf(cell)), true)
]

/** Stores the object of a way down, without faults. */
export const prepare = async (
  client: Client,
  { direction, bytes, isEncrypted }: Way,
  cell: Cell
): Promise<void> => {
  mkdirSync(cell.directory, { recursive: true })
  if (direction === 'up') return
  const put =
    isEncrypted === true
      ? vault.putObject({ ...refOf(cell), body: bytes })
      : Cos.send(Cos.putObject({ ...refOf(cell), body: bytes }))
  right(await put(client)())
}

/** Whether a success has the exact bytes: those that a clean client reads, or those that the way returned. */
export const isExact = async (client: Client, way: Way, cell: Cell, value: unknown): Promise<boolean> => {
  if (way.direction === 'down') return value instanceof Uint8Array && way.bytes.equals(value)
  const got = way.isEncrypted === true ? vault.getObject(refOf(cell)) : Cos.send(Cos.getObject(refOf(cell)))
  return right(await pipe(got(client), TE.chain(readBody))()).equals(way.bytes)
}
