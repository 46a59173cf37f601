/** A response: the head has arrived, the body is a stream. */
import type { Readable } from 'node:stream'
import type * as O from 'fp-ts/lib/Option.js'
import type { Context, CosError } from './error.js'

/** Size and checksum of the request's body, computed while it was sent. */
export interface SentBody {
  /** In bytes. */
  readonly size: number
  readonly crc64: O.Option<bigint>
}

/**
 * The bytes of a body from an offset on, in bytes, after its connection broke with this error; undefined if there is no other
 * way to get them.
 */
export type RestOfBody = (offset: number, error: CosError) => RestReader | undefined

export interface RestReader {
  readonly next: () => Promise<IteratorResult<Uint8Array, unknown>>
  /** Ends the reading; may be called before the first `next`. */
  readonly close: () => void
}

export interface Response {
  readonly status: number
  /** Names in lower case. The values of a repeated header are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * The bytes as stored, never decompressed. The decoder owns the body: it reads it to the end, passes it on, or calls
   * `drain`; an unread body keeps its connection. Fails with a `CosException`.
   */
  readonly body: Readable
  /** Whether the body is known to be empty, and its connection is free: nothing needs to be read. */
  readonly isEmpty?: boolean
  readonly sent: SentBody
  /** Sets the source of the rest of the body, for a body whose connection breaks. Call it before the body is read. */
  readonly continueWith?: (rest: RestOfBody) => void
  readonly context: Context
  /** The host of the connection, with the port if it is not the default. */
  readonly host: string
  /**
   * Earlier attempts failed and may still have been executed by COS. Not set for attempts that COS rejected for their
   * clock or their token: those were not executed.
   */
  readonly retried?: boolean
}
