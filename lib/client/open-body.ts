/** Opens a `Body` for sending: a file is measured, a stream is used unchanged. */
import { createHash } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { crc64 } from '../core/crc64.js'
import { fromSource, type Context, type CosError } from '../core/error.js'
import { ioChunkSize, KiB } from '../core/limits.js'
import type { Body } from '../core/body.js'
import { tryTask } from '../core/try-task.js'
import { createFileBody } from '../files/source-file.js'
import { fromIterable, sliceChunks } from '../stages/iterables.js'

/** A body that is ready to be sent. */
export interface OpenBody {
  readonly open: () => AsyncIterable<Uint8Array>
  /** In bytes. None: the size is unknown, and the body is sent chunked. */
  readonly size: O.Option<number>
  /** Of a body whose bytes are already hashed. */
  readonly crc64: O.Option<bigint>
  /** All bytes, of a small body in memory: they are hashed, and leave in one write with the head of the request. */
  readonly bytes?: Uint8Array
}

// In bytes: what sockets take at once. A larger body leaves chunk by chunk, so that the idle timeout sees bytes move.
const largestAtOnce = 64 * KiB

const openAtOnce =
  (chunks: ReadonlyArray<Uint8Array>, known: O.Option<bigint>): TE.TaskEither<never, OpenBody> =>
  async () => {
    const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
    return E.right({
      open: () => inIoChunks([bytes]),
      size: O.some(bytes.length),
      crc64: O.isSome(known) ? known : O.some(await crc64(bytes)),
      bytes
    })
  }

// In small chunks, so that the idle timeout sees bytes move.
const inIoChunks = (chunks: ReadonlyArray<Uint8Array>): AsyncIterable<Uint8Array> =>
  fromIterable(sliceChunks(ioChunkSize)(chunks))

/**
 * Measures a body. Each attempt measures a file again.
 *
 * @errors `FileError`; the bytes throw those of `createFileBody`: `SourceError` if the file changes meanwhile
 */
export const openBody = (context: Context, body: Body): TE.TaskEither<CosError, OpenBody> => {
  switch (body._tag) {
    case 'Empty':
      return TE.right({ open: () => inIoChunks([]), size: O.some(0), crc64: O.some(0n) })
    case 'Bytes':
      if (body.size <= largestAtOnce) return openAtOnce(body.chunks, body.crc64)
      return TE.right({
        open: () => inIoChunks(body.chunks),
        size: O.some(body.size),
        crc64: body.crc64
      })
    case 'Replayable':
      return TE.right({ open: body.open, size: O.some(body.size), crc64: O.none })
    case 'Once':
      return TE.right({
        open: () => body.stream,
        size: body.size,
        crc64: O.none
      })
    case 'File':
      return pipe(
        createFileBody(context, body.path, body),
        TE.map(({ open, size }) => ({ open, size: O.some(size), crc64: O.none }))
      )
  }
}

/** Reads a body for its `Content-MD5`: base64 of 16 bytes. */
export const md5Of = (context: Context, body: OpenBody): TE.TaskEither<CosError, string> =>
  tryTask(async () => {
    const md5 = createHash('md5')
    for await (const chunk of body.open()) md5.update(chunk)
    return md5.digest('base64')
  }, fromSource(context))
