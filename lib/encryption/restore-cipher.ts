/** The cipher of an object that an earlier run began to write. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import { readEnvelope, type Envelope } from './envelope.js'
import { toKeyring } from './keyring.js'
import type { MasterKey } from './master-key.js'
import { metaPrefix } from './metadata-names.js'
import {
  headerName,
  pythonCipher,
  sealedCipher,
  type CipherOptions,
  type ObjectCipher,
  type ObjectName
} from './object-cipher.js'
import { unwrapSealed } from './sealed-wrap.js'
import { unwrapDataKey } from './unwrap.js'

const sameName = O.getEq<Uint8Array>({ equals: (a, b) => Buffer.from(a).equals(b) })

/** None if the object is not one that `options` would write. */
const restore = (
  master: MasterKey,
  ref: ObjectName,
  options: CipherOptions,
  metadata: ObjectCipher['metadata'],
  envelope: Envelope
): O.Option<TE.TaskEither<EncryptionProblem, ObjectCipher>> => {
  if (envelope.cipher === 'sealed') {
    const { header } = envelope
    if (options.format !== 'sealed' || !sameName.equals(header.name, headerName(ref, options))) return O.none
    return O.some(
      pipe(
        unwrapSealed(toKeyring(master), header),
        TE.map(({ dataKey }) => sealedCipher(dataKey, header))
      )
    )
  }
  if (options.format !== 'python' || !envelope.formats.includes('python')) return O.none
  return O.some(
    pipe(
      unwrapDataKey(toKeyring(master), envelope, { pkcs1v15: false }),
      TE.map(({ dataKey }) => pythonCipher(dataKey, metadata))
    )
  )
}

/**
 * Makes the cipher of an object from its metadata. The data key is unwrapped with the key that wrapped it.
 *
 * @shape  none if the metadata are not those of `options` and of the name, or if the key does not open them; Python's wrap by
 *         AES does not tell a wrong key
 * @errors `Kms` if the key service fails
 */
export const restoreObjectCipher = (
  master: MasterKey,
  ref: ObjectName,
  options: CipherOptions,
  metadata: ObjectCipher['metadata']
): TE.TaskEither<EncryptionProblem, O.Option<ObjectCipher>> => {
  const headers = Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [`${metaPrefix}${name}`, value])
  )
  const restored = pipe(
    O.fromEither(readEnvelope(headers)),
    O.flatten,
    O.chain((envelope) => restore(master, ref, options, metadata, envelope))
  )
  if (O.isNone(restored)) return TE.right(O.none)
  return pipe(
    restored.value,
    TE.map(O.some),
    TE.orElse((problem) => (problem.reason === 'Kms' ? TE.left(problem) : TE.right(O.none)))
  )
}
