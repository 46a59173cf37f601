/**
 * `npm run demo -- [FILE]`: gzips a file, uploads it in parts, lists, downloads in parallel, compares, deletes.
 * `npm run demo -- DIRECTORY`: uploads, lists, copies, downloads, compares; a second run skips all files.
 * `--encrypt` does the same with client-side encryption, by a key that only this run has.
 *
 * Without an argument it generates 256 MiB; without credentials it starts the emulator. To use a bucket, set COS_BUCKET,
 * COS_REGION, COS_SECRET_ID and COS_SECRET_KEY, and COS_SESSION_TOKEN for temporary credentials. COS_ADDRESS=host:port
 * and COS_SCHEME=http address another server that implements COS.
 */
import { randomBytes } from 'node:crypto'
import { identity, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { withSignal, type Progress } from '../lib/index.js'
import { transferFolder } from './demo/folder.js'
import { listInputs, type Input } from './demo/source.js'
import { readPlace } from './demo/target.js'
import { formatError, type Problem } from './demo/errors.js'
import { reportOf, watchMemory, type Report } from './demo/report.js'
import { cleanUp, download, list, upload, type Step } from './demo/round-trip.js'
import { withProgressBar } from './demo/progress-bar.js'
import { selectTransfers, type Transfers } from './demo/transfers.js'

interface Arguments {
  readonly path: string | undefined
  readonly encrypts: boolean
}

const sizeOf = (things: ReadonlyArray<{ readonly size: number }>): number =>
  things.reduce((sum, { size }) => sum + size, 0)

const roundTrip = (
  transfers: Transfers,
  bucket: string,
  prefix: string,
  inputs: ReadonlyArray<Input>
): Step<Report> => {
  const peak = watchMemory()
  const [read, written] = [{ bytes: 0 }, { bytes: 0 }]
  return pipe(
    RTE.Do,
    RTE.bindW('up', () =>
      pipe(
        (progress: Progress) =>
          RTE.traverseSeqArray(upload(transfers, bucket, prefix, read, progress))(inputs),
        withProgressBar('up  ', () => read.bytes / sizeOf(inputs))
      )
    ),
    RTE.tap(({ up }) => list(bucket, prefix, up.value)),
    RTE.bindW('down', ({ up }) =>
      pipe(
        (progress: Progress) =>
          RTE.traverseSeqArray(download(transfers, bucket, written, progress))(up.value),
        withProgressBar('down', () => written.bytes / sizeOf(up.value))
      )
    ),
    RTE.map(({ up, down }) => ({ files: inputs.length, read: read.bytes, up, down, peak: peak() }))
  )
}

/** Deletes the remote data after the run, whether it succeeds, fails or is aborted. */
const tidy = (bucket: string, work: (prefix: string) => Step<string>, stop: AbortSignal): Step<string> =>
  RTE.bracketW(
    RTE.of(`cospipe-demo-${randomBytes(6).toString('hex')}/`),
    (prefix) => pipe(work(prefix), withSignal(stop)),
    // Of two errors the first is reported.
    (prefix, worked) =>
      pipe(cleanUp(bucket, prefix), E.isLeft(worked) ? RTE.orElseW(() => RTE.of(undefined)) : identity)
  )

const main = ({ path, encrypts }: Arguments, stop: AbortSignal): TE.TaskEither<Problem, string> =>
  pipe(
    TE.Do,
    TE.bind('inputs', () => listInputs(path)),
    TE.bindW('place', () => readPlace(process.env)),
    TE.bindW('transfers', () => TE.fromEither(selectTransfers(encrypts))),
    TE.tapIO(({ inputs: { folder, files }, place, transfers }) => () => {
      const how = folder === undefined ? 'through gzip' : 'as they are'
      console.log(`${String(files.length)} file(s), ${how}${transfers.words}, to ${place.words} and back`)
    }),
    TE.chainW(({ inputs: { folder, files }, place: { bucket, client }, transfers }) =>
      tidy(
        bucket,
        (prefix) =>
          folder === undefined
            ? pipe(roundTrip(transfers, bucket, prefix, files), RTE.map(reportOf))
            : transferFolder(transfers, bucket, folder, sizeOf(files), prefix),
        stop
      )(client)
    )
  )

const stop = new AbortController()
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort())

const given = process.argv.slice(2)
const outcome = await main(
  { path: given.find((argument) => argument !== '--encrypt'), encrypts: given.includes('--encrypt') },
  stop.signal
)()
if (E.isRight(outcome)) console.log(`\n${outcome.right}`)
else console.error(`\n${formatError(outcome.left)}`)
// Not `process.exit`: after an abort, parts of the upload are still being deleted.
process.exitCode = E.isRight(outcome) ? 0 : stop.signal.aborted ? 130 : 1
