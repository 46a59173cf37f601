/** Opens a `Body` for sending: a file is measured, a stream is taken as it is. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fileError, fromSource, type Context, type CosError } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { Body } from '../core/request.js'
import { fromIterable, sliceChunks } from '../stages/iterables.js'

/** A body that is ready to be sent. */
export interface OpenBody {
  readonly open: () => AsyncIterable<Uint8Array>
  /** In bytes. None: unknown, sent chunked. */
  readonly size: O.Option<number>
  /** Of bytes that were hashed before. */
  readonly crc64: O.Option<bigint>
}

// Slices, so that the idle timeout sees bytes move.
const inIoChunks = (chunks: ReadonlyArray<Uint8Array>): AsyncIterable<Uint8Array> =>
  fromIterable(sliceChunks(ioChunkSize)(chunks))

async function* fileBytes(
  context: Context,
  path: string,
  start: number,
  size: number
): AsyncGenerator<Uint8Array, void, undefined> {
  if (size === 0) return
  try {
    const stream: AsyncIterable<Uint8Array> = createReadStream(path, {
      start,
      end: start + size - 1,
      highWaterMark: ioChunkSize
    })
    yield* stream
  } catch (thrown) {
    throw new CosException(fileError(context, path)(thrown))
  }
}

const openFile = (
  context: Context,
  path: string,
  start: number,
  requested: O.Option<number>
): TE.TaskEither<CosError, OpenBody> =>
  pipe(
    TE.tryCatch(() => stat(path), fileError(context, path)),
    TE.chain((found) =>
      found.isFile()
        ? TE.right(found.size)
        : TE.left(fileError(context, path)(Object.assign(new Error('not a file'), { code: 'ENOTFILE' })))
    ),
    TE.map((length) => {
      const size = O.getOrElse(() => Math.max(0, length - start))(requested)
      return {
        open: () => fileBytes(context, path, start, size),
        size: O.some(size),
        crc64: O.none
      }
    })
  )

/** Measures a body. Files are opened when `open` is called. */
export const openBody = (context: Context, body: Body): TE.TaskEither<CosError, OpenBody> => {
  switch (body._tag) {
    case 'Empty':
      return TE.right({ open: () => inIoChunks([]), size: O.some(0), crc64: O.some(0n) })
    case 'Bytes':
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
      return openFile(context, body.path, body.start, body.size)
  }
}

/** Reads a body for its `Content-MD5`: base64 of 16 bytes. */
export const md5Of = (context: Context, body: OpenBody): TE.TaskEither<CosError, string> =>
  TE.tryCatch(async () => {
    const md5 = createHash('md5')
    for await (const chunk of body.open()) md5.update(chunk)
    return md5.digest('base64')
  }, fromSource(context))
