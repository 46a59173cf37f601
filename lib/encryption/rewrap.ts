/** Wraps the data key of an object with another master key. The ciphertext stays as it is. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as S from 'fp-ts/lib/string.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import { wrapPythonKey } from './python-key.js'
import { sealedMetadata, type Envelope, type SealedEnvelope } from './envelope.js'
import type { ForeignEnvelope } from './foreign-envelope.js'
import { keyring, type Keyring } from './keyring.js'
import { ownIdOf, type MasterKey } from './master-key.js'
import { encryptionProblem } from './problem.js'
import { encodeHeader } from './sealed-header.js'
import { unwrapSealed, unwrapSecret, wrapSealed } from './sealed-wrap.js'
import { unwrapDataKey, type UnwrappedKey } from './unwrap.js'
import type { UnwrapOptions } from './unwrap-with.js'
import { isPythonAes } from './wrapped-lengths.js'

export interface RewrapOptions extends UnwrapOptions {
  /** The keys that decrypt the data key. */
  readonly keys: Keyring
  /** The key that encrypts it. */
  readonly to: MasterKey
  readonly random: (size: number) => Uint8Array
}

/** New metadata, names without a prefix; none: the data key is wrapped with this key already. */
export type NewWrapping = O.Option<Readonly<Record<string, string>>>

type Rewrap = TE.TaskEither<EncryptionProblem, NewWrapping>

/** Whether a key opened the object; a key that does not is no failure, but a key service that is down is. */
const isOpened = (
  opened: TE.TaskEither<EncryptionProblem, UnwrappedKey>
): TE.TaskEither<EncryptionProblem, boolean> =>
  pipe(
    opened,
    TE.map(() => true),
    TE.orElse((problem) => (problem.reason === 'Kms' ? TE.left(problem) : TE.right(false)))
  )

const unlessWrapped = (isWrapped: TE.TaskEither<EncryptionProblem, boolean>, rewrap: () => Rewrap): Rewrap =>
  pipe(
    isWrapped,
    TE.chain((already) => (already ? TE.right(O.none) : rewrap()))
  )

const rewrapSealed = ({ header }: SealedEnvelope, { keys, to, random }: RewrapOptions): Rewrap =>
  unlessWrapped(header.keyId === to.id ? isOpened(unwrapSealed(keyring(to), header)) : TE.right(false), () =>
    pipe(
      unwrapSecret(keys, header),
      TE.chain(({ secret }) => wrapSealed(to, secret, random)),
      TE.map((wrapped) => O.some(sealedMetadata(encodeHeader({ ...header, ...wrapped, keyId: to.id }))))
    )
  )

/**
 * The AES wrap of Python has no check value. A second run would decrypt the data key with the old key once more, unless the
 * object names the new one.
 */
const rewrapPython = (envelope: ForeignEnvelope, { keys, to, random, ...options }: RewrapOptions): Rewrap => {
  const isNamed = O.getEq(S.Eq).equals(envelope.keyId, ownIdOf(to))
  if (to.kind === 'aes' && O.isNone(ownIdOf(to)))
    return TE.left(
      encryptionProblem(
        'Unsupported',
        'the new AES key must have an id: the Python format cannot check a key'
      )
    )
  return unlessWrapped(
    isPythonAes(envelope) || !isNamed
      ? TE.right(isNamed && to.kind === 'aes')
      : isOpened(unwrapDataKey(keyring(to), envelope, options)),
    () =>
      pipe(
        unwrapDataKey(keys, envelope, options),
        TE.chainEitherK(({ dataKey: { key, iv } }) => wrapPythonKey(to, key.export(), iv, random)),
        TE.map(O.some)
      )
  )
}

/**
 * Wraps the data key of an object with another master key.
 *
 * @errors those of reading the object; `Unsupported` for a format that is not written, for a key service with the Python
 *         format, and for an AES key without an id with the Python format
 */
export const rewrapEnvelope = (envelope: Envelope, options: RewrapOptions): Rewrap => {
  if (envelope.cipher === 'sealed') return rewrapSealed(envelope, options)
  return envelope.wrap === 'python'
    ? rewrapPython(envelope, options)
    : TE.fromEither(
        E.left(
          encryptionProblem(
            'Unsupported',
            `a data key of the format ${envelope.formats.join(' or ')} is not wrapped again: encrypt the object anew`
          )
        )
      )
}
