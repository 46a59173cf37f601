/** Finds the master key of an envelope, and decrypts the data key with it. */
import { createSecretKey } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import type { DataKey } from './data-key.js'
import { xorPythonPad } from './python-key.js'
import type { ForeignEnvelope } from './foreign-envelope.js'
import { candidatesIn, type Candidate, type Keyring } from './keyring.js'
import type { MasterKey } from './master-key.js'
import { encryptionProblem } from './problem.js'
import { unwrapWith, wrongKey, type Unwrap, type UnwrapOptions } from './unwrap-with.js'
import { checkWrappedLengths, isPythonAes, ivSizes, keySize } from './wrapped-lengths.js'

/** A data key, and the master key that decrypted it. */
export interface UnwrappedKey {
  readonly dataKey: DataKey
  readonly master: MasterKey
}

const unwrapEnvelope =
  (master: MasterKey, envelope: ForeignEnvelope) =>
  (unwrap: Unwrap): TE.TaskEither<EncryptionProblem, UnwrappedKey> => {
    const ivSize = ivSizes[envelope.cipher]
    return pipe(
      unwrap(envelope.wrappedKey, keySize),
      TE.bindTo('key'),
      TE.bind('iv', () =>
        'clear' in envelope.iv ? TE.right(envelope.iv.clear) : unwrap(envelope.iv.wrapped, ivSize)
      ),
      TE.filterOrElse(
        ({ key, iv }) => key.length === keySize && iv.length === ivSize,
        () => wrongKey(master)
      ),
      TE.map(({ key, iv }) => ({ dataKey: { key: createSecretKey(key), iv }, master }))
    )
  }

// -- Python's AES wrap --
const unwrapPythonAes = (
  { wrappedKey, iv }: ForeignEnvelope,
  candidates: ReadonlyArray<Candidate>
): E.Either<EncryptionProblem, UnwrappedKey> => {
  const keys = candidates.flatMap(({ master, secret }) =>
    secret.kind === 'aes' ? [{ master, key: secret.key }] : []
  )
  const [first, second] = keys
  if (first === undefined || !('wrapped' in iv)) return E.left(noKey('AES'))
  // A wrong key would not be noticed, and its plaintext would be garbage.
  if (second !== undefined)
    return E.left(
      encryptionProblem(
        'NoKey',
        `the object does not name its key, and ${String(keys.length)} AES keys could be it; decrypt it with one key`
      )
    )
  const both = xorPythonPad(first.key, Buffer.concat([wrappedKey, iv.wrapped]))
  return E.right({
    dataKey: { key: createSecretKey(both.subarray(0, keySize)), iv: both.subarray(keySize) },
    master: first.master
  })
}

// -- the keyring --
const noKey = (kind: string): EncryptionProblem =>
  encryptionProblem(
    'NoKey',
    `the object needs ${kind === 'AES' ? 'an' : 'a private'} ${kind} key, and no key is one`
  )

/** All keys, or the one that the object names. */
const selectCandidates = (
  ring: Keyring,
  { keyId }: ForeignEnvelope
): E.Either<EncryptionProblem, ReadonlyArray<Candidate>> => {
  const candidates = candidatesIn(ring)
  if (O.isNone(keyId)) return E.right(candidates)
  const named = candidates.filter(({ master }) => master.id === keyId.value)
  return named.length > 0
    ? E.right(named)
    : E.left(
        encryptionProblem('NoKey', 'the object names a key that is not in the keyring', {
          keyId: keyId.value
        })
      )
}

/** Tries each, and returns the first success or the last failure. */
const firstSuccess = (
  attempts: ReadonlyArray<TE.TaskEither<EncryptionProblem, UnwrappedKey>>,
  none: EncryptionProblem
): TE.TaskEither<EncryptionProblem, UnwrappedKey> =>
  attempts.reduce(
    (earlier, attempt) =>
      pipe(
        earlier,
        TE.alt(() => attempt)
      ),
    TE.left(none)
  )

const kindOf = ({ wrap }: ForeignEnvelope): string =>
  wrap === 'KMS/TencentCloud' ? 'KMS' : wrap === 'AESWrap' ? 'AES' : 'RSA'

/**
 * Decrypts the data key of an envelope.
 *
 * An object of Python's SDK does not name its key. RSA keys are tried in order. Of two AES keys neither would be noticed to
 * be the wrong one, so that the object is refused.
 *
 * @errors `NoKey` if no key of the keyring is of the kind, or has the id, that the object needs; `WrongKey` for every cause
 *         of a failed decryption; `BadEnvelope` for lengths that no wrap has; `Kms` if the key service fails
 */
export const unwrapDataKey = (
  ring: Keyring,
  envelope: ForeignEnvelope,
  options: UnwrapOptions
): TE.TaskEither<EncryptionProblem, UnwrappedKey> =>
  pipe(
    TE.fromEither(checkWrappedLengths(envelope)),
    TE.chainEitherK(() => selectCandidates(ring, envelope)),
    TE.chain((candidates) =>
      isPythonAes(envelope)
        ? TE.fromEither(unwrapPythonAes(envelope, candidates))
        : firstSuccess(
            candidates.flatMap(({ master, secret }) =>
              pipe(
                unwrapWith(master, secret, envelope, options),
                O.match(
                  () => [],
                  (unwrap) => [unwrapEnvelope(master, envelope)(unwrap)]
                )
              )
            ),
            noKey(kindOf(envelope))
          )
    )
  )
