/** Calls of COS that cannot serve an encrypted object. Each fails with the reason, before anything is sent. */
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { encryptionError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import type { ObjectRef } from '../../core/request.js'
import type { CosEffect } from '../../client/send.js'
import { encryptionProblem } from '../../encryption/problem.js'

/** A call that always fails. */
export type UnsupportedCall = (input: ObjectRef) => CosEffect<never>

const refuse =
  (action: string, reason: string): UnsupportedCall =>
  (input) =>
    RTE.left(encryptionError(contextOf(action, input))(encryptionProblem('Unsupported', reason)))

/** For callers that port code of the plain functions: the reason at run time, and `never` in the type. */
export interface UnsupportedCalls {
  /** COS would query the ciphertext: download the object and query its bytes. */
  readonly selectObjectContent: UnsupportedCall
  /** A part of another object is encrypted with another data key: copy whole objects with `copy`. */
  readonly uploadPartCopy: UnsupportedCall
  /** An encrypted object has an end, and its key stream is used once: write a new object. */
  readonly appendObject: UnsupportedCall
}

export const unsupportedCalls: UnsupportedCalls = {
  selectObjectContent: refuse(
    'SelectObjectContent',
    'COS would query the ciphertext: download the object and query its bytes'
  ),
  uploadPartCopy: refuse(
    'UploadPartCopy',
    'a part of another object is encrypted with another data key: copy whole objects with copy'
  ),
  appendObject: refuse(
    'AppendObject',
    'an encrypted object has an end, and its key stream is used once: write a new object'
  )
}
