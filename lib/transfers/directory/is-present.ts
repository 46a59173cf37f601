/** Whether a file has the content of an object already, so that the object need not be downloaded. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError } from '../../core/error.js'
import { hashOf, openSource, createRangeBody, type Replayable } from '../../files/source-file.js'
import { lstatPath } from '../../files/system-calls.js'
import type { Client } from '../../client/client.js'
import { scoped } from '../../client/scope.js'
import { send, type CosEffect } from '../../client/send.js'
import { headObject, type HeadObjectInput, type ObjectHead } from '../../operations/head-object.js'
import { unchanged, type Content } from '../download/content.js'
import type { ListedObject } from '../list/stream-objects.js'
import type { SkipExisting } from './options.js'

/** An object that a file is compared with. */
export interface ComparedObject {
  readonly head: ObjectHead
  readonly content: Content
}

/** How the content of the objects is found. */
export interface FindContent {
  /** Whether the content of an object of `stored` bytes may have `size` bytes. */
  readonly mayHaveSize: (stored: number, size: number) => boolean
  readonly find: (input: HeadObjectInput, context: Context) => CosEffect<ComparedObject>
}

/** The stored bytes are the content. */
export const findUnchanged: FindContent = {
  mayHaveSize: (stored, size) => stored === size,
  find: (input) =>
    pipe(
      send(headObject(input)),
      RTE.map((head) => ({ head, content: unchanged(head.size) }))
    )
}

export interface PresenceCheck extends FindContent {
  readonly context: Context
  readonly object: ListedObject
  readonly head: HeadObjectInput
  readonly skip: SkipExisting
}

/** The file cannot be read, or changed while it was read. */
const isLocal = ({ _tag }: CosError): boolean => _tag === 'FileError' || _tag === 'SourceError'

/** The file's bytes as the object would store them; none if they cannot be encoded again, or have another size. */
const storedBody = ({ content }: ComparedObject, body: Replayable): O.Option<Replayable> => {
  if (!content.isResumable || !O.exists((size: number) => size === body.size)(content.size)) return O.none
  const [range] = content.ranges(Number.POSITIVE_INFINITY)
  return range === undefined
    ? O.some(body)
    : O.some({ size: range.size, open: () => range.encode(body.open()) })
}

/** Whether a file has the object's CRC64. False if it cannot be read; replacing it will report the cause. */
const isSame = (
  { context, object: { size }, head: input, find }: PresenceCheck,
  file: string,
  client: Client
): TE.TaskEither<CosError, boolean> =>
  pipe(
    find(input, context)(client),
    TE.chain((found) => async () => {
      const { crc64, size: sizeNow } = found.head
      if (O.isNone(crc64) || sizeNow !== size) return E.right(false)
      const opened = await openSource(context, file)()
      if (E.isLeft(opened)) return E.right(false)
      const source = opened.right
      try {
        const body = storedBody(found, createRangeBody(source, 0, source.size))
        if (O.isNone(body)) return E.right(false)
        // In a scope: after an abort nobody waits for a large file to be hashed.
        const hashed = await scoped(client, context, () => hashOf(source, body.value)())
        if (E.isLeft(hashed)) return isLocal(hashed.left) ? E.right(false) : hashed
        return E.right(hashed.right.crc64 === crc64.value)
      } finally {
        // Closing the handle ends reads in progress.
        await source.handle.close()
      }
    })
  )

/** Whether the file need not be downloaded, by the rule of `skip`. */
export const isPresent =
  (check: PresenceCheck, file: string): CosEffect<boolean> =>
  (client) =>
  async () => {
    const { skip, object, mayHaveSize } = check
    const local = skip === 'never' ? undefined : await lstatPath(file).catch(() => undefined)
    if (local?.isFile() !== true || !mayHaveSize(object.size, local.size)) return E.right(false)
    return skip === 'time'
      ? E.right(local.mtimeMs >= object.lastModified.getTime())
      : isSame(check, file, client)()
  }
