/** An answer whose head has come and whose body is on its way. */
import type { Readable } from 'node:stream'
import type * as O from 'fp-ts/lib/Option.js'
import type { Context } from './error.js'

/** What went up with the request, as counted while it was sent. */
export interface SentBody {
  /** In bytes. */
  readonly size: number
  readonly crc64: O.Option<bigint>
}

export interface Response {
  readonly status: number
  /** Names in lower case. A header that came twice is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * As it was stored, never decompressed. Whoever decodes owns it: read it out, hand it on, or `dump` it; a body left
   * alone keeps its connection. It fails with a `CosException`.
   */
  readonly body: Readable
  readonly sent: SentBody
  readonly context: Context
  /** The host connected to, with a port that is not the default. */
  readonly host: string
  /**
   * Attempts before this one failed, and may have done all the same what was asked. Those that COS turned away for their
   * clock or their token have not.
   */
  readonly retried?: boolean
}
