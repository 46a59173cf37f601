/** New master keys, written to new files: no file is ever replaced. */
import { generateKeyPair, randomBytes } from 'node:crypto'
import { open, unlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { contextWithoutObject, CosException, type Context, type CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { validate } from '../core/operation.js'
import { tryTask } from '../core/try-task.js'
import { aesKeyIn, type AesKeyOptions } from './aes-key.js'
import { keyFileError, KeyPath, type RsaKeyPaths } from './key-files.js'
import { KeyId, type MasterKey } from './master-key.js'
import { rsaKeyIn } from './rsa-key.js'

/** Creates a file that must not exist: a key that is overwritten takes every object under it with it. */
const createKey = async (context: Context, path: string, text: string): Promise<void> => {
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    throw new CosException(keyFileError(context, path)(thrown))
  }
}

const generate = (
  context: Context,
  make: () => Promise<E.Either<CosError, MasterKey>>
): TE.TaskEither<CosError, MasterKey> =>
  pipe(
    tryTask(make, keyFileError(context, '')),
    TE.chainEitherK((key) => key)
  )

interface GenerateAesInput {
  readonly path: string
  readonly id?: string
}

const GenerateAesInput = In.secret(
  In.struct<GenerateAesInput>('GenerateAesInput', {
    path: KeyPath,
    id: In.optional(KeyId)
  })
)

/**
 * Generates an AES master key and writes its base64 to a new file with mode 0600. Keep a copy: without the key its objects
 * are lost.
 *
 * @errors `FileError`, with code `EEXIST` if the file exists
 */
export const generateAesKey = (
  path: string,
  options: Pick<AesKeyOptions, 'id'> = {}
): TE.TaskEither<CosError, MasterKey> => {
  const context = contextWithoutObject('generateAesKey')
  return pipe(
    TE.fromEither<CosError, GenerateAesInput>(
      validate(context.operation, GenerateAesInput)({ ...options, path })
    ),
    TE.chain(({ path: target }) =>
      generate(context, async () => {
        const secret = randomBytes(32)
        const key = aesKeyIn(context)(secret, options)
        if (E.isRight(key)) await createKey(context, target, `${secret.toString('base64')}\n`)
        return key
      })
    )
  )
}

export interface GenerateRsaOptions {
  readonly id?: string
  /** Encrypts the private key's file. Default: it is not encrypted. */
  readonly passphrase?: string
  /** In bits. Default: 3072. */
  readonly modulusLength?: 2048 | 3072 | 4096
}

const GenerateRsaInput = In.secret(
  In.struct<Required<RsaKeyPaths> & GenerateRsaOptions>('GenerateRsaInput', {
    publicKey: KeyPath,
    privateKey: KeyPath,
    id: In.optional(KeyId),
    passphrase: In.optional(In.secret(In.nonEmpty)),
    modulusLength: In.optional(
      In.guarded('2048, 3072 or 4096', (u): u is 2048 | 3072 | 4096 => u === 2048 || u === 3072 || u === 4096)
    )
  })
)

/**
 * Generates an RSA key pair and writes two new PEM files with mode 0600: SPKI and PKCS#8, which Python's SDK reads too.
 *
 * @errors `FileError`, with code `EEXIST` if a file exists; the other one is then not left behind
 */
export const generateRsaKeyPair = (
  paths: Required<RsaKeyPaths>,
  options: GenerateRsaOptions = {}
): TE.TaskEither<CosError, MasterKey> => {
  const context = contextWithoutObject('generateRsaKeyPair')
  return pipe(
    TE.fromEither<CosError, Required<RsaKeyPaths> & GenerateRsaOptions>(
      validate(context.operation, GenerateRsaInput)({ ...options, ...paths })
    ),
    TE.chain(({ publicKey, privateKey, id, passphrase, modulusLength = 3072 }) =>
      generate(context, async () => {
        const pair = await promisify(generateKeyPair)('rsa', { modulusLength })
        const key = rsaKeyIn(context)({ ...pair, ...(id === undefined ? {} : { id }) })
        if (E.isLeft(key)) return key
        const encrypted = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
        const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem', ...encrypted }).toString()
        await createKey(context, privateKey, pem)
        try {
          await createKey(
            context,
            publicKey,
            pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
          )
        } catch (thrown) {
          await unlink(privateKey)
          throw thrown
        }
        return key
      })
    )
  )
}
