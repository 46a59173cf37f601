import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t, { type Test } from 'tap'
import { createProgressWith } from '../../../lib/stages/progress.js'
import {
  joinProgress,
  withProgress,
  reportPartsOf,
  withoutEnd,
  type OnProgress,
  type WithProgress
} from '../../../lib/transfers/shared/progress.js'
import { copy } from '../../../lib/transfers/copy/copy.js'
import { downloadDirectory } from '../../../lib/transfers/directory/download-directory.js'
import { uploadDirectory } from '../../../lib/transfers/directory/upload-directory.js'
import { downloadFile } from '../../../lib/transfers/download/download-file.js'
import { downloadStream } from '../../../lib/transfers/download/download-stream.js'
import { copyPrefix } from '../../../lib/transfers/prefix/copy-prefix.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { uploadStream } from '../../../lib/transfers/upload/upload-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos } from '../../support/cos.js'
import { from } from '../../support/iterables.js'
import { validateFields } from '../../support/operations.js'
import { right } from '../../support/server.js'

const newProgress = () => createProgressWith({ total: O.none, clock: () => 0 })
const { signal } = new AbortController()

t.test(
  'reportPartsOf reports parts if there is a progress, and returns the call itself if there is none',
  async (t) => {
    const progress = newProgress()
    const move = ({ size }: { readonly size: number }) => TE.right(size)
    t.same(await reportPartsOf({ progress })(move)({ size: 7 }, signal)(), E.right(7))
    t.match(progress.read(), { transferred: 7, parts: { inFlight: 0, done: 1 } })
    t.equal(reportPartsOf({})(move), move)
  }
)

t.test('withoutEnd: the end of one transfer does not end the progress of the others', async (t) => {
  const progress = newProgress()
  const one = withoutEnd({ progress }).progress
  one?.end()
  one?.report({ _tag: 'Moved', size: 1 })
  const reader = progress[Symbol.asyncIterator]()
  t.match(await reader.next(), { done: false, value: { transferred: 1 } })
  progress.end()
  t.match([await reader.next(), await reader.next()], [{ done: false }, { done: true }])
  t.same(withoutEnd({}), {})
})

t.test('progress is validated: a value that createProgress did not make is refused', async (t) => {
  t.ok(E.isRight(validateFields(withProgress)({ progress: newProgress() })))
  t.match(
    validateFields(withProgress)({ progress: () => 1 }),
    E.left(/^progress: must be a Progress made by createProgress/)
  )
  t.match(
    validateFields(withProgress)({ onProgress: newProgress() }),
    E.left(/^onProgress: must be a function \(transferred, total\)/)
  )
})

// -- onProgress --
const size = 3 * 1024 * 1024
const bytes = bytesOf(size)
type Reports = ReadonlyArray<readonly [transferred: number, total: number | undefined]>

/** Each transfer of a few MiB, with the number of its reports if that is known. */
const transfers = async (t: Test) => {
  const cos = await startCos(t)
  const client = cos.client()
  const dir = t.testdir({ source: { a: Buffer.from(bytes) }, target: {} })
  const at = { bucket, key: 'k/a' }
  right(await uploadStream(at)(from(bytes))(client)())
  const region = 'ap-guangzhou'
  const small = { partSize: 1024 * 1024, threshold: 0, concurrency: 2 }
  const effects: Record<string, (onProgress: OnProgress) => Promise<unknown>> = {
    uploadStream: (onProgress) =>
      uploadStream({ ...at, ...small, length: size, onProgress })(from(bytes))(client)().then(right),
    uploadFile: (onProgress) =>
      uploadFile({ ...at, ...small, file: `${dir}/source/a`, checkpoint: false, onProgress })(client)().then(
        right
      ),
    uploadDirectory: (onProgress) =>
      collect(uploadDirectory({ bucket, prefix: 'd', directory: `${dir}/source`, onProgress }))(
        client
      )().then(right),
    copy: (onProgress) =>
      copy({ ...at, ...small, key: 'copy', copySource: { ...at, region }, onProgress })(client)().then(right),
    copyPrefix: (onProgress) =>
      collect(copyPrefix({ bucket, prefix: 'x/', copySource: { bucket, region, prefix: 'k/' }, onProgress }))(
        client
      )().then(right),
    downloadStream: async (onProgress) => {
      const { body, verified } = right(
        await downloadStream({ ...at, partSize: 1024 * 1024, onProgress })(client)()
      )
      body.resume()
      right(await verified())
    },
    downloadFile: (onProgress) =>
      downloadFile({ ...at, ...small, file: `${dir}/target/b`, onProgress })(client)().then(right),
    downloadDirectory: (onProgress) =>
      collect(downloadDirectory({ bucket, prefix: 'k', directory: `${dir}/target`, onProgress }))(
        client
      )().then(right)
  }
  return Object.entries(effects)
}

t.test('onProgress is called by every transfer, with rising bytes up to the total', async (t) => {
  for (const [name, run] of await transfers(t)) {
    const reports: Array<Reports[number]> = []
    await run((...report) => reports.push(report))
    t.same(reports.at(-1)?.[0], size, name)
    t.ok([size, undefined].includes(reports.at(-1)?.[1]), name)
    t.same(
      reports.map(([transferred]) => transferred),
      reports.map(([transferred]) => transferred).toSorted((a, b) => a - b),
      name
    )
  }
})

t.test('an error of onProgress is ignored, whether thrown or rejected, and the process lives', async (t) => {
  for (const fail of [
    () => {
      throw new Error('the bar broke')
    },
    () => Promise.reject(new Error('the bar broke'))
  ]) {
    for (const [name, run] of await transfers(t)) {
      let calls = 0
      const countCall = (): unknown => {
        calls += 1
        return fail()
      }
      await run(countCall)
      t.ok(calls > 0, name)
    }
  }
})

t.test('joinProgress keeps a progress that throws away from the transfer', async (t) => {
  const broken = {
    ...newProgress(),
    report: () => {
      throw new Error('broken')
    },
    end: () => {
      throw new Error('broken')
    }
  }
  const { progress } = joinProgress<WithProgress>({ progress: broken })
  progress?.report({ _tag: 'Moved', size: 1 })
  progress?.end()
  t.not(progress, undefined)
  t.same(joinProgress({}), {})
})
