/** The plaintext of an encrypted object, as the content of a download. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { encryptionError, type CosError, type EncryptionProblem } from '../../core/error.js'
import { decryptWhole, type Decrypt, type WholeDecryption } from '../../encryption/decrypt.js'
import { objectRanges, type ObjectRanges, type PlainRange } from '../../encryption/object-ranges.js'
import { isSameObject, readObjectHeader } from '../../encryption/sealed-header.js'
import { planRanges } from '../../stages/plan-ranges.js'
import {
  unchanged,
  unchangedRange,
  type Content,
  type ContentPart,
  type OpenContent,
  type RequestedObject
} from '../download/content.js'
import { pinnedGetInput } from '../download/options.js'
import { openObject, type OpenedObject } from './open-object.js'
import type { Config, ReadFormat } from './options.js'

/** Of a download, besides the fields of the plain one. */
export interface DecryptionInfo {
  readonly format: ReadFormat
  /** Of the master key that decrypted the data key; none for a plain object. */
  readonly keyId: O.Option<string>
  /** Of the stored object, in bytes. */
  readonly storedSize: number
  /**
   * Whether the bytes are proven to be those of the writer: of a sealed object each segment before it is yielded, of a
   * `java-gcm` object all of them at its end. Anyone who can write to the bucket can change all others unnoticed.
   */
  readonly isAuthenticated: boolean
}

export interface DecryptedContent extends Content {
  readonly info: DecryptionInfo
}

/** Applies a stage to the bytes of a generator, and keeps the generator's return value. */
const decodeWith = (decrypt: Decrypt): Content['decode'] =>
  async function* <A>(stored: AsyncGenerator<Uint8Array, A, undefined>) {
    const now = { result: O.none as O.Option<A> }
    async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
      now.result = O.some(yield* stored)
    }
    yield* decrypt(read())
    if (O.isNone(now.result)) throw new Error('the decryption did not read the object to its end')
    return now.result.value
  }

// -- ranges --
/** An empty plaintext is one range too: it may have a header and a segment. */
function* plainRanges(size: number, partSize: number): Generator<PlainRange, void, undefined> {
  if (size === 0) yield { offset: 0, length: 0 }
  else
    for (const { first, size: length } of planRanges({ to: size, partSize })) yield { offset: first, length }
}

function* decryptedRanges(
  { unit, size, range }: ObjectRanges,
  partSize: number
): Generator<ContentPart, void, undefined> {
  let number = 0
  for (const plain of plainRanges(size, unit * Math.ceil(partSize / unit))) {
    const { span, decrypt, encrypt } = range(plain)
    const stored = span.last - span.first + 1
    // An empty object of the Python format has no bytes to fetch.
    if (stored === 0) return
    number += 1
    yield { number, ...span, size: stored, ...plain, decode: decrypt, encode: encrypt }
  }
}

/** An object that is decrypted only from its start to its end. */
const wholeRange = (stored: number, decrypt: Decrypt): ContentPart => ({
  ...unchangedRange({ number: 1, first: 0, last: stored - 1, size: stored }),
  decode: decrypt
})

// -- content --
const toContent = (
  { format, unwrapped }: OpenedObject,
  { size, decrypt, isAuthenticated }: WholeDecryption,
  storedSize: number,
  ranges: O.Option<ObjectRanges>
): DecryptedContent => ({
  size,
  decode: decodeWith(decrypt),
  isResumable: O.isSome(ranges),
  ranges: (partSize) =>
    O.isSome(ranges) ? decryptedRanges(ranges.value, partSize) : [wholeRange(storedSize, decrypt)],
  info: { format, keyId: O.some(unwrapped.master.id), storedSize, isAuthenticated }
})

const decryptedContent = (
  opened: OpenedObject,
  { context, head }: RequestedObject
): E.Either<EncryptionProblem, DecryptedContent> => {
  const { envelope, unwrapped } = opened
  return pipe(
    decryptWhole(envelope, unwrapped.dataKey, O.some(head.size), context),
    E.bindTo('whole'),
    E.bind('ranges', () => objectRanges(envelope, unwrapped.dataKey, head.size, context)),
    E.map(({ whole, ranges }) => toContent(opened, whole, head.size, ranges))
  )
}

const plainContent = (storedSize: number): DecryptedContent => ({
  ...unchanged(storedSize),
  info: { format: 'plain', keyId: O.none, storedSize, isAuthenticated: false }
})

/** The header at the start of a sealed object may have an older wrapping than the metadata, after a `rewrap`. */
const withFront =
  (front: O.Option<Uint8Array>) =>
  (opened: OpenedObject): OpenedObject => {
    const { envelope } = opened
    if (O.isNone(front) || envelope.cipher !== 'sealed') return opened
    return pipe(
      readObjectHeader(front.value),
      E.filterOrElseW(
        (header) => isSameObject(header, envelope.header),
        () => undefined
      ),
      E.match(
        () => opened,
        (header) => ({ ...opened, envelope: { ...envelope, header } })
      )
    )
  }

/**
 * Opens the envelope of an object whose download was requested.
 *
 * @shape  `front`: the first bytes of the object, if they were read. Without them a sealed object whose wrapping was
 *         changed is not encoded again to the same bytes
 */
export const openDecrypted =
  (config: Config, front: O.Option<Uint8Array> = O.none): OpenContent<DecryptedContent> =>
  (object) => {
    const { context, input, head } = object
    return pipe(
      openObject(config, pinnedGetInput(input, head), { context, headers: head.headers, etag: head.etag }),
      RTE.chainEitherK(
        O.match(
          () => E.right<CosError, DecryptedContent>(plainContent(head.size)),
          (opened) =>
            pipe(decryptedContent(withFront(front)(opened), object), E.mapLeft(encryptionError(context)))
        )
      )
    )
  }
