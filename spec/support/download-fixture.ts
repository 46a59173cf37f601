/** An object, a directory with an old file, and downloads that replace the file and can be stalled and aborted. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as O from 'fp-ts/lib/Option.js'
import type { Test } from 'tap'
import { codeOf, type CosError } from '../../lib/core/error.js'
import { withSignal } from '../../lib/client/combinators.js'
import { send } from '../../lib/client/send.js'
import type { EmulatorOptions, Fault, FaultInput } from '../../lib/emulator/index.js'
import { putObject } from '../../lib/operations/put-object.js'
import { createProgressWith, type Progress } from '../../lib/stages/progress.js'
import { downloadFile, type DownloadFileInput } from '../../lib/transfers/download/download-file.js'
import { bytesOf } from './bytes.js'
import { becomesTrue, waitFor } from './wait-for.js'
import { bucket, startCos, type Cos } from './cos.js'
import { left, right } from './server.js'

const KiB = 1024
export const partSize = 64 * KiB
export const at = { bucket, key: 'down/load.bin' }
// Ten ranges and 13 bytes.
export const bytes = bytesOf(10 * partSize + 13)
export const tempDirectory = 'a.bin.cospipe-download'

export interface DownloadFixture extends Cos {
  readonly dir: string
  readonly input: DownloadFileInput
  readonly put: (body: Uint8Array) => Promise<unknown>
  /** Bytes of GET responses since the last call. */
  readonly fetched: () => number
}

/** Starts an emulator with an object, and creates a directory with an old file. */
export const createDownloadFixture = async (
  t: Test,
  options: EmulatorOptions = {},
  body: Uint8Array = bytes
): Promise<DownloadFixture> => {
  const cos = await startCos(t, options)
  const put = async (bytes: Uint8Array): Promise<unknown> => {
    const client = cos.client()
    const done = right(await send(putObject({ ...at, body: bytes }))(client)())
    // Connections that are open afterwards then belong to the download.
    await client.close()
    return done
  }
  await put(body)
  const dir = t.testdir({ 'a.bin': 'old' })
  let counted = 0
  return {
    ...cos,
    dir,
    put,
    input: { ...at, file: join(dir, 'a.bin'), threshold: 0, partSize, concurrency: 3 },
    fetched: () => {
      const gets = cos.emulator.requests().slice(counted)
      counted += gets.length
      return gets.reduce((sum, one) => sum + (one.operation === 'GetObject' ? one.bytesOut : 0), 0)
    }
  }
}

export const firstByteOf = ({ headers }: FaultInput): number =>
  Number(/bytes=(\d+)-/.exec(headers['range'] ?? '')?.[1])

/** A fault that stalls ranges from offset `from` after `after` bytes; both may be changed during a run. */
export const createStallFault = (): {
  fault: (request: FaultInput) => Fault | undefined
  from: number
  after: number
} => {
  const state = {
    from: Number.POSITIVE_INFINITY,
    after: 10,
    fault: (request: FaultInput): Fault | undefined =>
      request.operation === 'GetObject' && firstByteOf(request) >= state.from
        ? { stall: { after: state.after, pause: 60_000 } }
        : undefined
  }
  return state
}

export const newProgress = (): Progress =>
  createProgressWith({ total: O.none, clock: () => performance.now() })

/** The number of ranges that the journal records. */
export const countRecordedRanges = async (dir: string): Promise<number> =>
  (await readFile(join(dir, tempDirectory, 'journal'), 'utf8').catch(() => '')).split('\n').length - 2

/** Runs a download until the journal records this many ranges, and aborts it. */
export const abortAfterRanges = async (
  here: DownloadFixture,
  ranges: number,
  change: Partial<DownloadFileInput> = {}
): Promise<CosError> => {
  const stop = new AbortController()
  const running = withSignal(stop.signal)(downloadFile({ ...here.input, ...change }))(here.client())()
  await waitFor(async () => (await countRecordedRanges(here.dir)) >= ranges)
  stop.abort()
  return left(await running)
}

/** Waits until an aborted run has released its lock: on a busy machine that is after it has settled. */
export const waitForLockRelease = async (dir: string): Promise<void> => {
  await waitFor(async () => {
    const entries = await readdir(dir, { recursive: true }).catch((thrown: unknown) => {
      // A folder that goes while it is read: it is looked at again.
      if (codeOf(thrown) !== 'ENOENT') throw thrown
      return ['gone.lock']
    })
    return entries.every((entry) => !entry.endsWith('.lock'))
  })
}

export const assertUntouched = async (
  t: Test,
  { dir }: DownloadFixture,
  ...left: ReadonlyArray<string>
): Promise<void> => {
  await waitForLockRelease(dir)
  t.equal(await readFile(join(dir, 'a.bin'), 'utf8'), 'old')
  const expected = ['a.bin', ...left].sort()
  // The lock is removed first, and then its directory.
  await becomesTrue(async () => (await readdir(dir)).length === expected.length)
  t.same((await readdir(dir)).sort(), expected)
}

export const assertDownloaded = async (
  t: Test,
  { dir }: DownloadFixture,
  expected: Uint8Array = bytes
): Promise<void> => {
  t.ok(Buffer.from(expected).equals(await readFile(join(dir, 'a.bin'))), 'the file has the expected bytes')
  t.same(await readdir(dir), ['a.bin'], 'no other file is left')
}
