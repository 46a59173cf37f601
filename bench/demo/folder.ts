/** The round trip of a directory: uploaded, listed, copied, downloaded, compared; then a second run that skips all files. */
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  collect,
  copyPrefix,
  streamObjects,
  type Client,
  type DownloadDirectoryResult,
  type Progress,
  type UploadDirectoryResult
} from '../../lib/index.js'
import { mismatch, unable, type Problem } from './errors.js'
import { formatBytes, watchMemory } from './report.js'
import type { Step } from './round-trip.js'
import type { Transfers } from './transfers.js'
import { withProgressBar, type Observed } from './progress-bar.js'

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

type Transferred = UploadDirectoryResult | DownloadDirectoryResult

const pathsOf = (
  entries: ReadonlyArray<Transferred>,
  ...tags: ReadonlyArray<Transferred['_tag']>
): ReadonlyArray<string> =>
  entries.flatMap((entry) => (tags.includes(entry._tag) && 'path' in entry ? [entry.path] : []))

// -- compared --
const sameFile =
  (sent: string, got: string) =>
  (path: string): TE.TaskEither<Problem, void> =>
    pipe(
      TE.tryCatch(
        () => Promise.all([sha256(join(sent, path)), sha256(join(got, path))]),
        (thrown): Problem => unable(String(thrown))
      ),
      TE.chainEitherK(([before, after]) =>
        before === after ? E.right(undefined) : E.left(mismatch(path, 'SHA-256', before, after))
      )
    )

const sameCount =
  (where: string, sent: number) =>
  (got: ReadonlyArray<unknown>): E.Either<Problem, number> =>
    got.length === sent ? E.right(sent) : E.left(mismatch(where, 'listing', sent, got.length))

/** The files that a second run did not skip. */
const nothing = (entries: ReadonlyArray<Transferred>): E.Either<Problem, number> => {
  const again = pathsOf(entries, 'Uploaded', 'Downloaded')
  return again[0] === undefined
    ? E.right(pathsOf(entries, 'Skipped').length)
    : E.left(mismatch(again[0], 'listing', 'there already', 'moved again'))
}

// -- the round trip --
const withTotal = <A>(
  label: string,
  total: number,
  move: (progress: Progress) => Step<A>
): Step<Observed<A>> => {
  let progress: Progress | undefined
  return withProgressBar(label, () =>
    // Ciphertext is longer than the files.
    progress === undefined || total === 0 ? 0 : Math.min(1, progress.read().transferred / total)
  )((started: Progress) => {
    progress = started
    return move(started)
  })
}

/**
 * @param total bytes in the directory, for the progress bar
 * @param prefix of all keys in the bucket
 */
export const transferFolder = (
  { uploadDirectory, downloadDirectory }: Transfers,
  bucket: string,
  directory: string,
  total: number,
  prefix: string
): Step<string> => {
  const [there, copied] = [`${prefix}there/`, `${prefix}copied/`]
  const back = mkdtempSync(join(tmpdir(), 'cospipe-demo-folder-'))
  process.on('exit', () => {
    rmSync(back, { recursive: true, force: true })
  })
  const peak = watchMemory()
  const upload = { bucket, directory, prefix: there, onError: 'stop' } as const
  const download = { bucket, directory: back, prefix: copied, onError: 'stop' } as const
  return pipe(
    RTE.ask<Client>(),
    RTE.bindTo('client'),
    RTE.bindW('up', () =>
      withTotal('up  ', total, (progress) => collect(uploadDirectory({ ...upload, progress })))
    ),
    RTE.let('files', ({ up }) => pathsOf(up.value, 'Uploaded')),
    RTE.let('count', ({ up }) => pathsOf(up.value, 'Uploaded', 'Folder').length),
    RTE.bindW('listed', ({ count }) =>
      pipe(collect(streamObjects({ bucket, prefix: there })), RTE.chainEitherKW(sameCount(there, count)))
    ),
    RTE.bindW('copies', ({ client, count }) =>
      pipe(
        copyPrefix({
          bucket,
          prefix: copied,
          copySource: { bucket, prefix: there, region: client.endpoint.region ?? '' },
          onError: 'stop'
        }),
        collect,
        RTE.chainEitherKW(sameCount(copied, count))
      )
    ),
    RTE.bindW('down', () =>
      withTotal('down', total, (progress) => collect(downloadDirectory({ ...download, progress })))
    ),
    RTE.chainFirstTaskEitherKW(({ files }) => pipe(files, TE.traverseSeqArray(sameFile(directory, back)))),
    RTE.bindW('upAgain', () => pipe(collect(uploadDirectory(upload)), RTE.chainEitherKW(nothing))),
    RTE.bindW('downAgain', () => pipe(collect(downloadDirectory(download)), RTE.chainEitherKW(nothing))),
    RTE.map(({ up, down, files, listed, copies, upAgain, downAgain }) => {
      const { rss, arrayBuffers } = peak()
      const rows: ReadonlyArray<readonly [name: string, value: string]> = [
        ['files', `${String(files.length)}, of ${formatBytes(total)}`],
        ['up', `${formatBytes(total / up.seconds)}/s, in ${up.seconds.toFixed(1)} s`],
        ['listed', `${String(listed)} objects`],
        ['copied', `${String(copies)} objects, by COS alone`],
        ['down', `${formatBytes(total / down.seconds)}/s, in ${down.seconds.toFixed(1)} s`],
        ['SHA-256', `equal, ${String(files.length)} of ${String(files.length)}`],
        ['second run', `moved nothing: ${String(upAgain)} skipped up, ${String(downAgain)} down`],
        ['peak memory', `${formatBytes(rss)}, of it ${formatBytes(arrayBuffers)} in buffers`]
      ]
      return rows.map(([name, value]) => `  ${name.padEnd(11)}  ${value}`).join('\n')
    })
  )
}
