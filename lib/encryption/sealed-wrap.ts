/** Wraps and unwraps the data key of a sealed object. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import { unwrapRfc3394, wrapRfc3394 } from './aes-key-wrap.js'
import { candidatesIn, type Candidate, type Keyring } from './keyring.js'
import { secretOf, type MasterKey } from './master-key.js'
import { encryptionProblem } from './problem.js'
import { decryptOaep, encryptOaep } from './rsa-oaep.js'
import { sealedOaep } from './rsa-padding.js'
import { longestWrappedKey, type SealedHeader, type SealedWrap } from './sealed-header.js'
import { openKeys } from './sealed-key.js'
import type { UnwrappedKey } from './unwrap.js'
import { callKms, wrongKey } from './unwrap-with.js'
import { keySize } from './wrapped-lengths.js'

export interface WrappedKey {
  readonly wrap: SealedWrap
  readonly wrappedKey: Uint8Array
}

/**
 * Wraps a data key: by RFC 3394, by OAEP with SHA-256 (a seed of 32 bytes is drawn), or by the key service.
 *
 * @errors `Kms` if the service fails, or returns no or more than 512 bytes
 */
export const wrapSealed = (
  master: MasterKey,
  dataKey: Uint8Array,
  random: (size: number) => Uint8Array
): TE.TaskEither<EncryptionProblem, WrappedKey> => {
  const wrapped = secretOf(master)
  if (O.isNone(wrapped))
    return TE.left(encryptionProblem('NoKey', 'the master key was not made by this library'))
  const secret = wrapped.value
  switch (secret.kind) {
    case 'aes':
      return TE.right({ wrap: 'aes', wrappedKey: wrapRfc3394(secret.key, dataKey) })
    case 'rsa':
      return TE.right({ wrap: 'rsa', wrappedKey: encryptOaep(secret, sealedOaep, dataKey, random) })
    case 'kms':
      return pipe(
        callKms(master, () => secret.wrap(dataKey, {})),
        TE.filterOrElse(
          (wrappedKey) => wrappedKey.length > 0 && wrappedKey.length <= longestWrappedKey,
          () => encryptionProblem('Kms', 'the key service must return 1 to 512 bytes', { keyId: master.id })
        ),
        TE.map((wrappedKey) => ({ wrap: 'kms', wrappedKey }))
      )
  }
}

/** None if the key is of another kind, or cannot decrypt. */
const unwrapBy = (
  { master, secret }: Candidate,
  { wrap, wrappedKey }: SealedHeader
): O.Option<TE.TaskEither<EncryptionProblem, Uint8Array>> => {
  if (secret.kind !== wrap) return O.none
  const pure = (bytes: O.Option<Uint8Array>) => O.some(TE.fromOption(() => wrongKey(master))(bytes))
  switch (secret.kind) {
    case 'aes':
      return pure(unwrapRfc3394(secret.key, wrappedKey))
    case 'rsa':
      return O.isNone(secret.privateKey)
        ? O.none
        : pure(decryptOaep(secret.privateKey.value, 'sha256', wrappedKey))
    case 'kms':
      return O.some(callKms(master, () => secret.unwrap(wrappedKey, {})))
  }
}

/** A data key as it is wrapped, beside the keys that are derived from it. */
export interface UnwrappedSecret extends UnwrappedKey {
  /** 32 bytes. */
  readonly secret: Uint8Array
}

const openBy = (
  candidate: Candidate,
  header: SealedHeader
): O.Option<TE.TaskEither<EncryptionProblem, UnwrappedSecret>> =>
  pipe(
    unwrapBy(candidate, header),
    O.map((unwrapped) =>
      pipe(
        unwrapped,
        TE.filterOrElse(
          (bytes) => bytes.length === keySize,
          () => wrongKey(candidate.master)
        ),
        TE.bindTo('secret'),
        TE.bind('dataKey', ({ secret }) =>
          TE.fromEither(openKeys(secret, header, wrongKey(candidate.master)))
        ),
        TE.map(({ secret, dataKey }) => ({ secret, dataKey, master: candidate.master }))
      )
    )
  )

/**
 * Unwraps the data key of a sealed object and checks the commitment.
 *
 * The key that the header names is tried first, and then the others: the id is not authenticated, and a caller may have
 * renamed a key. A wrong key is always noticed.
 *
 * @errors `NoKey` if no key is of the kind that the object needs, or none has its id and none opens it; `WrongKey`; `Kms`
 */
export const unwrapSecret = (
  ring: Keyring,
  header: SealedHeader
): TE.TaskEither<EncryptionProblem, UnwrappedSecret> => {
  const candidates = candidatesIn(ring)
  const isNamed = ({ master }: Candidate): boolean => master.id === header.keyId
  const noKey = encryptionProblem('NoKey', 'no key of the keyring opens the object', { keyId: header.keyId })
  const ordered = [...candidates.filter(isNamed), ...candidates.filter((each) => !isNamed(each))]
  const attempts = ordered.flatMap((candidate) =>
    pipe(
      openBy(candidate, header),
      O.match(
        () => [],
        (attempt) => [{ attempt, isNamed: isNamed(candidate) }]
      )
    )
  )
  // The failure of the named key says more than those of the others.
  return attempts.reduce(
    (earlier, { attempt, isNamed: named }) =>
      pipe(
        earlier,
        TE.orElse((first) =>
          pipe(
            attempt,
            TE.mapLeft((failure) => (named || failure.reason === 'Kms' ? failure : first))
          )
        )
      ),
    TE.left<EncryptionProblem, UnwrappedSecret>(noKey)
  )
}

/** `unwrapSecret`, for reading. */
export const unwrapSealed = (
  ring: Keyring,
  header: SealedHeader
): TE.TaskEither<EncryptionProblem, UnwrappedKey> =>
  pipe(
    unwrapSecret(ring, header),
    TE.map(({ dataKey, master }) => ({ dataKey, master }))
  )
