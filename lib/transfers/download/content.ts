/** The content of a download, and how it lies in the stored object: unchanged, or encoded by an encryption. */
import { identity } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import type { Context } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import type { ObjectHead } from '../../operations/head-object.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import type { DownloadOptions } from './options.js'

/** A stage that yields other bytes than it reads. */
export type Recode = (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

/** A range of the stored object that is decoded by itself. */
export interface ContentPart extends PartRange {
  /** Of its first byte in the content, in bytes. */
  readonly offset: number
  /** Of the content, in bytes. */
  readonly length: number
  /** From the stored bytes to the content. */
  readonly decode: Recode
  /** From the content to the same stored bytes. */
  readonly encode: Recode
}

export interface Content {
  /** Of the content, in bytes; none if it is known only after the last byte. */
  readonly size: O.Option<number>
  /** Decodes the whole object in order, and keeps the return value of the source. */
  readonly decode: <A>(
    stored: AsyncGenerator<Uint8Array, A, undefined>
  ) => AsyncGenerator<Uint8Array, A, undefined>
  /** Whether a range can be encoded again, to compare its bytes with the stored ones. */
  readonly isResumable: boolean
  /** Splits the object. `partSize` is that of the content, in bytes; a range may have some more. */
  readonly ranges: (partSize: number) => Iterable<ContentPart>
}

/** An object whose download was requested. */
export interface RequestedObject {
  readonly context: Context
  readonly input: DownloadOptions
  readonly head: ObjectHead
}

/** Finds the content of an object, before its bytes are requested. */
export type OpenContent<C extends Content> = (object: RequestedObject) => CosEffect<C>

/** A range whose content is its stored bytes. */
export const unchangedRange = (range: PartRange): ContentPart => ({
  ...range,
  offset: range.first,
  length: range.size,
  decode: identity,
  encode: identity
})

function* unchangedRanges(ranges: Iterable<PartRange>): Generator<ContentPart, void, undefined> {
  for (const range of ranges) yield unchangedRange(range)
}

/** The stored bytes. */
export const unchanged = (size: number): Content => ({
  size: O.some(size),
  decode: identity,
  isResumable: true,
  ranges: (partSize) => unchangedRanges(planRanges({ to: size, partSize }))
})

export const openUnchanged: OpenContent<Content> = ({ head }) => RTE.right(unchanged(head.size))

/** Yields a first chunk that was already read, and then the others. */
async function* withFirst(
  first: IteratorResult<Uint8Array, unknown>,
  rest: AsyncIterator<Uint8Array, unknown>
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let next = first; next.done !== true; next = await rest.next()) yield next.value
}

/** The range of a whole object whose content is opened when its first bytes have arrived. It is not encoded again. */
export const openedLater = (size: number, open: () => Promise<Content>): ContentPart => ({
  ...unchangedRange({ number: 1, first: 0, last: size - 1, size }),
  async *decode(stored) {
    const bytes = stored[Symbol.asyncIterator]()
    try {
      const first = await bytes.next()
      const content = await open()
      yield* content.decode(withFirst(first, bytes))
    } finally {
      await bytes.return?.()
    }
  }
})
