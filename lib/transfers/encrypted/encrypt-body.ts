/** The body of an upload, encrypted while it is sent. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError } from '../../core/error.js'
import { sizeOf, toBody, type Body } from '../../core/request.js'
import type { Encrypt } from '../../encryption/object-cipher.js'
import { createFileBody } from '../../files/source-file.js'
import { fromIterable } from '../../stages/iterables.js'
import type { UploadBody } from '../../operations/parameters/upload-body.js'

/** A body that was measured. */
export interface MeasuredBody {
  readonly open: () => AsyncIterable<Uint8Array>
  /** Of the plaintext, in bytes. None: unknown. */
  readonly size: O.Option<number>
  /** Whether it can be read once only. */
  readonly isOnce: boolean
}

const measured = (body: Exclude<Body, { readonly _tag: 'File' }>): MeasuredBody => {
  const isOnce = body._tag === 'Once'
  switch (body._tag) {
    case 'Empty':
      return { open: () => fromIterable([]), size: O.some(0), isOnce }
    case 'Bytes':
      return { open: () => fromIterable(body.chunks), size: sizeOf(body), isOnce }
    case 'Replayable':
      return { open: body.open, size: sizeOf(body), isOnce }
    case 'Once':
      return { open: () => body.stream, size: body.size, isOnce }
  }
}

/**
 * Measures a body before it is encrypted. A file is measured here, once, and not before each attempt: an attempt that
 * found an edited file would encrypt other bytes with the same data key. The file must not change until the last attempt.
 *
 * @errors those of `createFileBody`
 */
export const measureBody = (
  context: Context,
  input: Pick<UploadBody, 'body' | 'contentLength'>
): TE.TaskEither<CosError, MeasuredBody> => {
  const body = toBody(input.body, input.contentLength)
  return body._tag === 'File'
    ? pipe(
        createFileBody(context, body.path, body),
        TE.map(({ open, size }) => ({ open, size: O.some(size), isOnce: false }))
      )
    : TE.right(measured(body))
}

/**
 * Encrypts a body that was measured, for an operation's input.
 *
 * @shape a body that can be read again stays one: it is encrypted again for each attempt
 */
export const encryptBody = (
  { open, size, isOnce }: MeasuredBody,
  encrypt: Encrypt,
  storedSize: (size: number) => number
): Pick<UploadBody, 'body' | 'contentLength'> => {
  if (O.isNone(size)) return { body: encrypt(open()) }
  const stored = storedSize(size.value)
  return isOnce
    ? { body: encrypt(open()), contentLength: stored }
    : { body: { open: () => encrypt(open()), size: stored } }
}
