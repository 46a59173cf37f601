/** Problems of encryption as values; the call that has one adds its context. */
import * as O from 'fp-ts/lib/Option.js'
import type { EncryptionProblem } from '../core/error.js'

/** Fields that only some problems have. */
interface Details {
  readonly keyId?: string | undefined
  readonly segment?: number
}

export const encryptionProblem = (
  reason: EncryptionProblem['reason'],
  problem: string,
  { keyId, segment }: Details = {}
): EncryptionProblem => ({
  reason,
  problem,
  keyId: O.fromNullable(keyId),
  segment: O.fromNullable(segment)
})
