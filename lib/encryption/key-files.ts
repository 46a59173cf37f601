/** Master keys from files, whose permissions are checked. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { platform } from 'node:process'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  contextWithoutObject,
  CosException,
  encryptionError,
  fileError,
  type Context,
  type CosError
} from '../core/error.js'
import * as In from '../core/input.js'
import { KiB } from '../core/limits.js'
import { validate } from '../core/operation.js'
import { tryTask } from '../core/try-task.js'
import { aesKeyIn, type AesKeyOptions } from './aes-key.js'
import type { MasterKey } from './master-key.js'
import { encryptionProblem } from './problem.js'
import { rsaKeyIn, type RsaKeyInput } from './rsa-key.js'

export interface KeyFileOptions {
  /**
   * Reads a secret key that the group or others may read. Default: false. The files that Python's SDK generates are
   * readable by everyone. Not checked on Windows, whose modes do not show access lists.
   */
  readonly allowOpenPermissions?: boolean
}

/** For errors of a key file. */
export const keyFileError =
  (context: Context, path: string) =>
  (thrown: unknown): CosError =>
    thrown instanceof CosException ? thrown.error : fileError(context, path)(thrown)

// The longest private key of 4,096 bits is 3.5 KB of PEM.
const longestKey = 64 * KiB

const unsafeFile = (context: Context, problem: string): CosException =>
  new CosException(encryptionError(context)(encryptionProblem('KeyFile', problem)))

const readKey = (context: Context, path: string, mayBeOpen: boolean): TE.TaskEither<CosError, Buffer> =>
  tryTask(
    async () => {
      const handle = await open(path, constants.O_RDONLY)
      try {
        const { mode, size } = await handle.stat()
        if (!mayBeOpen && platform !== 'win32' && (mode & 0o077) !== 0)
          throw unsafeFile(
            context,
            `${path} has mode 0${(mode & 0o777).toString(8)}: others than its owner may read or replace the key; run chmod 600, or set allowOpenPermissions`
          )
        if (size > longestKey) throw unsafeFile(context, `${path} is too large for a key`)
        return await handle.readFile()
      } finally {
        await handle.close()
      }
    },
    keyFileError(context, path)
  )

/** For a codec. */
export const KeyPath = In.path('the path of a file')

interface AesFileInput extends KeyFileOptions, AesKeyOptions {
  readonly path: string
}

const AesFileInput = In.secret(
  In.struct<AesFileInput>('AesFileInput', {
    path: KeyPath,
    allowOpenPermissions: In.optional(In.boolean),
    id: In.optional(In.text),
    legacyLength: In.optional(In.boolean)
  })
)

/**
 * Reads an AES master key from a file with its base64, such as one of `generateAesKey` or of Python's SDK.
 *
 * A missing file is an error; no key is ever generated in its place.
 *
 * @shape  `(path, options?) -> TaskEither<CosError, MasterKey>`
 * @errors `FileError`; `EncryptionError` with reason `KeyFile` if others than the owner have access; `InvalidInput` if the
 *         file does not have a key
 */
export const aesKeyFromFile = (
  path: string,
  options: AesKeyOptions & KeyFileOptions = {}
): TE.TaskEither<CosError, MasterKey> => {
  const context = contextWithoutObject('aesKeyFromFile')
  return pipe(
    TE.fromEither<CosError, AesFileInput>(validate(context.operation, AesFileInput)({ ...options, path })),
    TE.chain(({ allowOpenPermissions = false, ...valid }) =>
      pipe(
        readKey(context, valid.path, allowOpenPermissions),
        TE.chainEitherKW((text) =>
          aesKeyIn(context)(text.toString('utf8'), In.pick('id', 'legacyLength')(valid))
        )
      )
    )
  )
}

/** Paths of the two halves. Without `privateKey` the key only encrypts. */
export interface RsaKeyPaths {
  readonly publicKey?: string
  readonly privateKey?: string
}

export type RsaKeyFileOptions = Omit<RsaKeyInput, 'publicKey' | 'privateKey'> & KeyFileOptions

const RsaFileInput = In.secret(
  In.struct<RsaKeyPaths & RsaKeyFileOptions>('RsaFileInput', {
    publicKey: In.optional(KeyPath),
    privateKey: In.optional(KeyPath),
    passphrase: In.optional(In.secret(In.text)),
    id: In.optional(In.text),
    legacyLength: In.optional(In.boolean),
    allowOpenPermissions: In.optional(In.boolean)
  })
)

/**
 * Reads an RSA master key from files: PEM, DER, or the public key file of OpenSSH. Only the file of the private key must be closed to others.
 *
 * @shape  `({ publicKey?, privateKey? }, options?) -> TaskEither<CosError, MasterKey>`
 * @errors as `aesKeyFromFile`
 * @example rsaKeyFromFiles({ publicKey: 'public.pem', privateKey: 'private.pem' }, { passphrase })
 */
export const rsaKeyFromFiles = (
  paths: RsaKeyPaths,
  options: RsaKeyFileOptions = {}
): TE.TaskEither<CosError, MasterKey> => {
  const context = contextWithoutObject('rsaKeyFromFiles')
  const read = (
    field: 'publicKey' | 'privateKey',
    path: string | undefined,
    mayBeOpen: boolean
  ): TE.TaskEither<CosError, RsaKeyInput> =>
    path === undefined
      ? TE.right({})
      : pipe(
          readKey(context, path, mayBeOpen),
          TE.map((contents) => ({ [field]: contents }))
        )
  return pipe(
    TE.fromEither<CosError, RsaKeyPaths & RsaKeyFileOptions>(
      validate(context.operation, RsaFileInput)({ ...options, ...paths })
    ),
    TE.chain(({ publicKey, privateKey, allowOpenPermissions = false, ...rest }) =>
      pipe(
        read('publicKey', publicKey, true),
        TE.chain((first) =>
          pipe(
            read('privateKey', privateKey, allowOpenPermissions),
            TE.map((second) => ({ ...rest, ...first, ...second }))
          )
        )
      )
    ),
    TE.chainEitherKW(rsaKeyIn(context))
  )
}
