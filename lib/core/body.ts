/** The bodies of requests: which of them a retry can send again. */
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as In from './input.js'

/**
 * The body of a request. A retry can send bytes, files and streams that can be reopened again. A stream that can be read
 * only once is sent once, and its failure is final.
 */
export type Body =
  | { readonly _tag: 'Empty' }
  | {
      readonly _tag: 'Bytes'
      readonly chunks: ReadonlyArray<Uint8Array>
      readonly size: number
      /** If it is already known, the bytes are not hashed again. */
      readonly crc64: O.Option<bigint>
    }
  /** A file, or a range of one. Each attempt reads the size and opens the file again. */
  | { readonly _tag: 'File'; readonly path: string; readonly start: number; readonly size: O.Option<number> }
  | {
      readonly _tag: 'Replayable'
      /** Returns a new stream of the same bytes at each call. */
      readonly open: () => AsyncIterable<Uint8Array>
      readonly size: number
    }
  | {
      readonly _tag: 'Once'
      readonly stream: AsyncIterable<Uint8Array>
      /** None: sent chunked, if COS accepts that. */
      readonly size: O.Option<number>
    }

/** Bytes in several chunks, and their CRC64 if it is already known: then the bytes are not hashed again. */
export interface Chunks {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly crc64?: bigint
}

/** The body of an input. `size` is in bytes. */
export type BodyInput =
  | string
  | Uint8Array
  | { readonly file: string }
  | Chunks
  | { readonly open: () => AsyncIterable<Uint8Array>; readonly size: number }
  | AsyncIterable<Uint8Array>

const isObject = (u: unknown): u is object => typeof u === 'object' && u !== null
export const isStream = (u: unknown): u is AsyncIterable<Uint8Array> =>
  isObject(u) && Symbol.asyncIterator in u
const isFile = (u: unknown): u is { readonly file: string } =>
  isObject(u) && 'file' in u && typeof u.file === 'string' && u.file !== '' && !u.file.includes('\0')
const isChunks = (u: unknown): u is Chunks =>
  isObject(u) &&
  'chunks' in u &&
  Array.isArray(u.chunks) &&
  u.chunks.every((chunk) => chunk instanceof Uint8Array) &&
  (!('crc64' in u) || typeof u.crc64 === 'bigint')
const isReplayable = (
  u: unknown
): u is { readonly open: () => AsyncIterable<Uint8Array>; readonly size: number } =>
  isObject(u) && 'open' in u && typeof u.open === 'function' && 'size' in u && In.integer(0).is(u.size)

export const BodyInput: t.Type<BodyInput, BodyInput, unknown> = new t.Type(
  'a string, a Uint8Array, an async iterable of bytes, { file }, { open, size } or { chunks }',
  (u): u is BodyInput =>
    typeof u === 'string' ||
    u instanceof Uint8Array ||
    isStream(u) ||
    isFile(u) ||
    isChunks(u) ||
    isReplayable(u),
  (u, c) => (BodyInput.is(u) ? t.success(u) : t.failure(u, c)),
  t.identity
)

export const emptyBody: Body = { _tag: 'Empty' }

export const bytesBody = (bytes: Uint8Array): Body =>
  bytes.length === 0 ? emptyBody : { _tag: 'Bytes', chunks: [bytes], size: bytes.length, crc64: O.none }

const chunksBody = ({ chunks, crc64 }: Chunks): Body => {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return size === 0 ? emptyBody : { _tag: 'Bytes', chunks, size, crc64: O.fromNullable(crc64) }
}

/** `contentLength` in bytes, for a stream whose length the caller knows; ignored for other bodies. */
export const toBody = (input: BodyInput, contentLength?: number): Body => {
  if (typeof input === 'string') return bytesBody(Buffer.from(input))
  if (input instanceof Uint8Array) return bytesBody(input)
  if (isChunks(input)) return chunksBody(input)
  if (isFile(input)) return { _tag: 'File', path: input.file, start: 0, size: O.none }
  if (isReplayable(input)) return { _tag: 'Replayable', open: input.open, size: input.size }
  return { _tag: 'Once', stream: input, size: O.fromNullable(contentLength) }
}

/** The size in bytes; none if it is known only after sending. */
export const sizeOf = (body: Body): O.Option<number> => {
  switch (body._tag) {
    case 'Empty':
      return O.some(0)
    case 'Bytes':
    case 'Replayable':
      return O.some(body.size)
    case 'File':
    case 'Once':
      return body.size
  }
}

export const isReplayableBody = (body: Body): boolean => body._tag !== 'Once'
