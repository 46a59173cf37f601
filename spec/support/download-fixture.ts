/** An object, a folder with an old file in it, and downloads of the one over the other that can be held up and cut off. */
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
// Ten ranges and a bit.
export const bytes = bytesOf(10 * partSize + 13)
export const tempDirectory = 'a.bin.cospipe-download'

export interface DownloadFixture extends Cos {
  readonly dir: string
  readonly input: DownloadFileInput
  readonly put: (body: Uint8Array) => Promise<unknown>
  /** Bytes that GETs have brought since it was last asked. */
  readonly fetched: () => number
}

/** An object, a folder with an old file in it, and faults that can be changed on the way. */
export const createDownloadFixture = async (
  t: Test,
  options: EmulatorOptions = {},
  body: Uint8Array = bytes
): Promise<DownloadFixture> => {
  const cos = await startCos(t, options)
  const put = async (bytes: Uint8Array): Promise<unknown> => {
    const client = cos.client()
    const done = right(await send(putObject({ ...at, body: bytes }))(client)())
    // So that connections that are open afterwards are those of the download.
    await client.close()
    return done
  }
  await put(body)
  const dir = t.testdir({ 'a.bin': 'old' })
  let seen = 0
  return {
    ...cos,
    dir,
    put,
    input: { ...at, file: join(dir, 'a.bin'), threshold: 0, partSize, concurrency: 3 },
    fetched: () => {
      const gets = cos.emulator.requests().slice(seen)
      seen += gets.length
      return gets.reduce((sum, one) => sum + (one.operation === 'GetObject' ? one.bytesOut : 0), 0)
    }
  }
}

export const firstByteOf = ({ headers }: FaultInput): number =>
  Number(/bytes=(\d+)-/.exec(headers['range'] ?? '')?.[1])

/** Ranges from a certain one on stall after so many bytes, while that is wanted. */
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

/** What the journal says is there, in lines. */
export const countRecordedRanges = async (dir: string): Promise<number> =>
  (await readFile(join(dir, tempDirectory, 'journal'), 'utf8').catch(() => '')).split('\n').length - 2

/** Runs until so many ranges are written down, and aborts. */
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

/** An aborted run has settled before all of it is cleared away, where the machine is busy. */
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
  t.ok(Buffer.from(expected).equals(await readFile(join(dir, 'a.bin'))), 'the bytes are the bytes')
  t.same(await readdir(dir), ['a.bin'], 'and nothing else is there')
}
