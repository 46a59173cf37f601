/** HEAD of an object that may be the one that an earlier attempt wrote. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as Op from '../core/operation.js'
import { headObject, type HeadObjectInput, type ObjectHead } from './head-object.js'

/** Size and CRC64 that prove the content of an object. */
export interface ExpectedContent {
  /** In bytes. */
  readonly size: number
  /** Unsigned. None: the content cannot be proved. */
  readonly crc64: O.Option<bigint>
}

const isSame = (found: ObjectHead, { size, crc64 }: ExpectedContent): boolean =>
  found.size === size && O.isSome(found.crc64) && O.isSome(crc64) && found.crc64.value === crc64.value

/**
 * Like `headObject`; none if the object has another size or CRC64, or one of the two checksums is unknown. For `Confirm`:
 * if COS refuses the retry of a write, the object that exists may be the result of an earlier attempt.
 *
 * @errors those of `headObject`
 */
export const headIfSame = (
  input: HeadObjectInput,
  expected: ExpectedContent
): Op.Operation<O.Option<ObjectHead>> =>
  pipe(headObject(input), Op.map(O.fromPredicate((found) => isSame(found, expected))))
