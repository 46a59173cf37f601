/** Downloads the encrypted objects of a prefix into a directory. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { CosException, hasStatus, type Context, type CosError } from '../../core/error.js'
import { send, type CosEffect } from '../../client/send.js'
import { cbcBlock } from '../../encryption/extent.js'
import { tagSize } from '../../encryption/gcm.js'
import { openedSizeOf } from '../../encryption/sealed-object.js'
import { headerSize } from '../../encryption/sealed-header.js'
import { getObject, type GetObjectResult } from '../../operations/get-object.js'
import { headObject, type HeadObjectInput, type ObjectHead } from '../../operations/head-object.js'
import {
  downloadDirectoryAs,
  type DownloadDirectoryInput,
  type DownloadDirectoryResult,
  type ReadObjects
} from '../directory/download-directory.js'
import type { ComparedObject } from '../directory/is-present.js'
import { downloadListed } from '../download/download-file.js'
import { toBuffer } from '../download/to-buffer.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { openDecrypted } from './decrypted-content.js'
import { toDecryptedFile, type DecryptedFile } from './download-encrypted.js'
import { checkInput, type Config, type ReadFormat } from './options.js'

// -- files that exist --
const isStoredSize = (stored: number, size: number): boolean => size === stored

/** Whether an object of `stored` bytes may have a plaintext of `size` bytes. A listing does not tell the format. */
const mayHave: Readonly<Record<ReadFormat, (stored: number, size: number) => boolean>> = {
  sealed: (stored, size) => E.exists((plain: number) => plain === size)(openedSizeOf(stored)),
  'java-gcm': (stored, size) => size === stored - tagSize,
  'java-cbc': (stored, size) => size < stored && size >= stored - cbcBlock,
  python: isStoredSize,
  go: isStoredSize,
  'java-ctr': isStoredSize,
  plain: isStoredSize
}

const toHead = ({ body: _body, verified: _verified, context: _context, ...response }: GetObjectResult) =>
  pipe(
    response.size,
    O.map((size): ObjectHead => ({ ...response, size }))
  )

interface HeadAndFront {
  readonly head: ObjectHead
  /** The first bytes of the object; none if it has none. */
  readonly front: O.Option<Uint8Array>
}

const findByHead = (input: HeadObjectInput): CosEffect<HeadAndFront> =>
  pipe(
    send(headObject(input)),
    RTE.map((head) => ({ head, front: O.none }))
  )

/** One request for the attributes and the header: after a `rewrap` it differs from that of the metadata. */
const findWithFront = (input: HeadObjectInput): CosEffect<HeadAndFront> =>
  pipe(
    send(getObject({ ...input, range: { first: 0, last: headerSize - 1 } })),
    RTE.chain((response) =>
      pipe(
        toBuffer(headerSize)(response),
        RTE.chain((front) =>
          pipe(
            toHead(response),
            O.match(
              () => findByHead(input),
              (head) => RTE.right({ head, front: O.some(front) })
            )
          )
        )
      )
    ),
    // 416: an object without bytes.
    RTE.orElse((error) => (hasStatus(416)(error) ? findByHead(input) : RTE.left(error)))
  )

const findDecrypted =
  (config: Config) =>
  (input: HeadObjectInput, context: Context): CosEffect<ComparedObject> =>
    pipe(
      findWithFront(input),
      RTE.chain(({ head, front }) =>
        pipe(
          openDecrypted(config, front)({ context, input, head }),
          RTE.map((content) => ({ head, content }))
        )
      )
    )

// -- downloadDirectory --
const readDecrypted = (config: Config): ReadObjects<DecryptedFile> => ({
  mayHaveSize: (stored, size) => [...config.accepts].some((format) => mayHave[format](stored, size)),
  find: findDecrypted(config),
  download: (input, listed, acquireSlot) =>
    pipe(downloadListed(input, listed, acquireSlot, openDecrypted(config)), RTE.map(toDecryptedFile))
})

/**
 * `downloadDirectory` of `encrypted`.
 *
 * With `skip: 'crc64'` a file is encrypted again with the data key of the object, and its CRC64 compared with COS's: nothing
 * of the plaintext need be recorded. A `java-gcm` or `java-cbc` object cannot be compared, and is downloaded; `'time'` skips it.
 */
export const downloadEncryptedDirectory =
  (config: E.Either<CosError, Config>) =>
  (input: DownloadDirectoryInput): EffectStream<DownloadDirectoryResult<DecryptedFile>> =>
    pipe(
      config,
      E.chainFirst((): E.Either<CosError, void> => checkInput('downloadDirectory', input)),
      E.match(
        (error): EffectStream<DownloadDirectoryResult<DecryptedFile>> =>
          failedStream(new CosException(error)),
        (valid) => downloadDirectoryAs(readDecrypted(valid))(input)
      )
    )
