/** The main steps: uploaded in parts, listed, downloaded in parallel, compared, deleted. */
import { createHash } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  collect,
  CosException,
  deletePrefix,
  streamObjects,
  type Client,
  type CosEffect,
  type Integrity,
  type Progress
} from '../../lib/index.js'
import type { Input } from './source.js'
import { mismatch, unable, type Mismatch, type Problem } from './errors.js'
import type { StoredUpload, Transfers } from './transfers.js'
import { countBytes, drain, gzip, hashBytes, type Counter } from './stages.js'

/** An effect with the errors of cospipe and of the demo. */
export type Step<A> = RTE.ReaderTaskEither<Client, Problem, A>

const sha256 = RTE.fromIO(() => createHash('sha256'))

// -- up --
export interface Sent extends StoredUpload {
  /** Of the uploaded bytes. */
  readonly sha256: string
}

export const upload =
  ({ uploadStream }: Transfers, bucket: string, prefix: string, counter: Counter, progress: Progress) =>
  (input: Input): CosEffect<Sent> =>
    pipe(
      sha256,
      RTE.chain((hash) =>
        pipe(
          input.open(),
          countBytes(counter),
          gzip,
          hashBytes(hash),
          uploadStream({
            bucket,
            key: `${prefix}${input.name}.gz`,
            contentType: 'application/gzip',
            progress
          }),
          RTE.map((uploaded) => ({ ...uploaded, sha256: hash.digest('hex') }))
        )
      )
    )

// -- listed --
/** Whether the bucket lists what was sent, and nothing else. */
export const list = (bucket: string, prefix: string, sent: ReadonlyArray<Sent>): Step<void> =>
  pipe(
    streamObjects({ bucket, prefix }),
    collect,
    RTE.chainEitherKW((listed) => {
      const sizes = new Map(listed.map(({ key, size }) => [key, size]))
      const wrong = sent.find(({ key, storedSize }) => sizes.get(key) !== storedSize)
      if (wrong !== undefined) {
        return E.left(mismatch(wrong.key, 'listing', wrong.storedSize, sizes.get(wrong.key)))
      }
      return sizes.size === sent.length
        ? E.right(undefined)
        : E.left(mismatch(prefix, 'listing', sent.length, sizes.size))
    })
  )

// -- down, and compared --
const compare = (sent: Sent, got: string, integrity: Integrity): E.Either<Mismatch, Integrity> => {
  if (got !== sent.sha256) return E.left(mismatch(sent.key, 'SHA-256', sent.sha256, got))
  return integrity._tag === 'Verified' && integrity.crc64 !== sent.crc64
    ? E.left(mismatch(sent.key, 'CRC64', sent.crc64, integrity.crc64))
    : E.right(integrity)
}

export const download =
  ({ downloadStream }: Transfers, bucket: string, counter: Counter, progress: Progress) =>
  (sent: Sent): Step<Integrity> =>
    pipe(
      sha256,
      RTE.bindTo('hash'),
      RTE.bindW('down', () => downloadStream({ bucket, key: sent.key, progress })),
      RTE.chainTaskEitherKW(({ hash, down }) =>
        pipe(
          TE.tryCatch(
            () => pipe(down.body, countBytes(counter), hashBytes(hash), drain),
            (thrown) => (thrown instanceof CosException ? thrown.error : unable(String(thrown)))
          ),
          TE.chainW(() => down.verified),
          TE.chainEitherKW((integrity) => compare(sent, hash.digest('hex'), integrity))
        )
      )
    )

// -- deleted --
/** Deletes everything under the prefix, all versions included. */
export const cleanUp = (bucket: string, prefix: string): Step<void> =>
  pipe(
    deletePrefix({ bucket, prefix, versions: true, onError: 'stop' }),
    collect,
    RTE.map(() => undefined)
  )
