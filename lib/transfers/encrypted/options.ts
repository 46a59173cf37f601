/** Options of `encrypted`, and the checks of its inputs. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { invalidInput, type InputProblem, type InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { isStream } from '../../core/body.js'
import type { EncryptionFormat } from '../../encryption/envelope.js'
import { isReservedMetadata } from '../../encryption/metadata-names.js'
import { hasRepeatedId, isKeyring, toKeyring, type Keyring } from '../../encryption/keyring.js'
import { isMasterKey, type MasterKey } from '../../encryption/master-key.js'
import type { WriteFormat } from '../../encryption/object-cipher.js'
import { closeSource } from '../../stages/claim-source.js'
import { crossChecked } from '../../operations/parameters/validation.js'

/** A format that is read; `plain`: objects without encryption are returned as they are. */
export type ReadFormat = EncryptionFormat | 'plain'

export interface EncryptedOptions {
  /** The format of new objects. Default: `'sealed'`. */
  readonly format?: WriteFormat
  /** The formats that are read. An object in any other is an `EncryptionError`. Default: `format` alone. */
  readonly accepts?: ReadonlyArray<ReadFormat>
  /**
   * Decrypts data keys with PKCS#1 v1.5 too, which Python's SDK uses if an RSA key is given as text. Default: false. Set it
   * only to read objects whose writers you trust: an attacker who can write objects and sees which of them fail can use the
   * reader to decrypt data keys.
   */
  readonly pkcs1v15?: boolean
  /** Looks for `KEY.instruction` of the Java SDK if an object has no encryption metadata. Default: false. */
  readonly instructionFiles?: boolean
  /**
   * Binds a sealed object to its bucket and key, and refuses to read it under another name. Default: true. Set it to false to
   * read an object that was copied or moved.
   */
  readonly bindsName?: boolean
}

/** Valid options, with their defaults. */
export interface Config {
  readonly keys: Keyring
  readonly format: WriteFormat
  /** In the caller's order: a range is requested as the first format stores it. */
  readonly accepts: ReadonlySet<ReadFormat>
  readonly pkcs1v15: boolean
  readonly instructionFiles: boolean
  readonly bindsName: boolean
}

interface Input extends EncryptedOptions {
  readonly keys: MasterKey | Keyring
}

const Keys: t.Type<MasterKey | Keyring, MasterKey | Keyring, unknown> = In.secret(
  In.guarded(
    'a key of aesKey, rsaKey or kmsKey, or a keyring of them',
    (u): u is MasterKey | Keyring => isMasterKey(u) || isKeyring(u)
  )
)

const ReadFormat = In.oneOf<ReadFormat>('sealed', 'python', 'go', 'java-gcm', 'java-ctr', 'java-cbc', 'plain')

// A key that is given as an option by mistake is not shown.
const Codec = In.secret(
  crossChecked<Input>(
    In.struct<Input>('EncryptedOptions', {
      keys: Keys,
      format: In.optional(In.oneOf<WriteFormat>('sealed', 'python')),
      accepts: In.optional(
        In.refined(
          t.readonlyArray(ReadFormat, 'a list of formats'),
          'a list of at least one format',
          (formats) => formats.length > 0
        )
      ),
      pkcs1v15: In.optional(In.boolean),
      instructionFiles: In.optional(In.boolean),
      bindsName: In.optional(In.boolean)
    }),
    ({ keys }) =>
      hasRepeatedId(toKeyring(keys)) ? O.some(conflict('keys', 'must not have one id twice')) : O.none
  )
)

/** Validates keys and options; `Left` is the problem, for the error of each call. */
export const configOf = (
  keys: MasterKey | Keyring,
  options: EncryptedOptions
): E.Either<InvalidInput, Config> =>
  pipe(
    validate('encrypted', Codec)({ ...options, keys }),
    E.map(
      ({
        keys,
        format = 'sealed',
        accepts,
        pkcs1v15 = false,
        instructionFiles = false,
        bindsName = true
      }) => ({
        keys: toKeyring(keys),
        format,
        accepts: new Set<ReadFormat>(accepts ?? [format]),
        pkcs1v15,
        instructionFiles,
        bindsName
      })
    )
  )

/** Fields that name a value of the plaintext, or that COS applies to the stored bytes. */
const refusals: Readonly<Record<string, string>> = {
  contentMd5:
    'not supported: the digest of the ciphertext is not known before; enableMd5 computes and sends it',
  picOperations: 'not supported: COS cannot process an encrypted picture',
  acceptEncoding: 'not supported: a proxy must not change the ciphertext'
}

const refusedHeaders: Readonly<Record<string, string>> = {
  'content-md5': refusals['contentMd5'] ?? '',
  'pic-operations': refusals['picOperations'] ?? '',
  'accept-encoding': refusals['acceptEncoding'] ?? '',
  range: 'must be given as the field range'
}

/** Closes the stream in an input that is refused. */
export const closeBody = (input: unknown): void => {
  const body = In.fieldOf(input, 'body')
  if (isStream(body)) closeSource(body)
}

const namesIn = (input: unknown, field: string): ReadonlyArray<string> => {
  const value = In.fieldOf(input, field)
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

const inputProblem = (input: unknown): InputProblem | undefined => {
  const field = Object.keys(refusals).find((name) => In.fieldOf(input, name) !== undefined)
  if (field !== undefined) return conflict(field, refusals[field] ?? '')
  for (const name of namesIn(input, 'headers')) {
    const message = refusedHeaders[name.toLowerCase()]
    if (message !== undefined) return conflict(`headers.${name}`, message)
  }
  for (const group of ['metadata', 'headers']) {
    const name = namesIn(input, group).find(isReservedMetadata)
    if (name !== undefined) return conflict(`${group}.${name}`, 'is a name that encryption metadata have')
  }
  return undefined
}

/** Refuses the parameters that an encrypted object cannot have. All others are checked by the operation. */
export const checkInput = (action: string, input: unknown): E.Either<InvalidInput, void> => {
  const problem = inputProblem(input)
  return problem === undefined ? E.right(undefined) : E.left(invalidInput(contextOf(action, input), problem))
}
