/** What goes up: a file, the files of a folder, or bytes made on the spot. */
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { unable, type Unable } from './errors.js'

export interface Input {
  /** With `/` between folders, whatever the system has. */
  readonly name: string
  /** In bytes, before they are compressed. */
  readonly size: number
  readonly open: () => AsyncIterable<Uint8Array>
}

const fileAt = (path: string, name: string) => async (): Promise<Input> => ({
  name,
  size: (await stat(path)).size,
  open: () => createReadStream(path, { highWaterMark: 256 * 1024 })
})

/** Files alone, in the order of their names; links are not followed. */
const filesIn = async (folder: string): Promise<ReadonlyArray<Input>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []))
  return Promise.all(
    paths.toSorted().map((path) => fileAt(path, relative(folder, path).split(sep).join('/'))())
  )
}

/** Lines as of a log, always the same ones. Half of them is chance, and the other half gzip takes away. */
const made = (size: number): Input => ({
  name: 'made.log',
  size,
  async *open() {
    const words = new Uint32Array(12 * 1024)
    // Marsaglia's xorshift: chance that can be had again.
    let x = 88675123
    const next = (): number => {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      return x
    }
    for (let left = size, second = 0; left > 0; second += 1) {
      const time = new Date(Date.UTC(2024, 4, 1, 0, 0, second)).toISOString()
      const tokens = Buffer.from(words.map(next).buffer).toString('base64').match(/.{64}/g) ?? []
      const lines = tokens.map((token) => `${time} GET /films/${token} 200\n`)
      const bytes = Buffer.from(lines.join(''), 'latin1').subarray(0, left)
      left -= bytes.length
      yield bytes
    }
  }
})

const MiB = 1024 * 1024

export interface Inputs {
  readonly files: ReadonlyArray<Input>
  /** The folder's path, where it is one. */
  readonly folder?: string
}

const found = async (path: string): Promise<Inputs> =>
  (await stat(path)).isDirectory()
    ? { files: await filesIn(path), folder: path }
    : { files: [await fileAt(path, basename(path))()] }

/** The inputs that a path names; 256 MiB made on the spot where it names none. */
export const inputsAt = (path: string | undefined): TE.TaskEither<Unable, Inputs> =>
  path === undefined
    ? TE.right({ files: [made(256 * MiB)] })
    : pipe(
        TE.tryCatch(
          () => found(path),
          (thrown) => unable(thrown instanceof Error ? thrown.message : String(thrown))
        ),
        TE.filterOrElse(
          ({ files }) => files.length > 0,
          () => unable(`there is no file in ${path}`)
        )
      )
