import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { abortMultipartUpload } from '../../../lib/operations/abort-multipart-upload.js'
import { createMultipartUpload } from '../../../lib/operations/create-multipart-upload.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { uploadPart } from '../../../lib/operations/upload-part.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { lockNameOfDeadProcess } from '../../support/lock-names.js'
import { left, right } from '../../support/server.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'

const MiB = 1024 * 1024
const at = { bucket, key: 'files/f.bin' }
const bytes = bytesOf(4 * MiB + 3)
const hour = 3_600_000

interface Test {
  readonly teardown: (clean: () => unknown) => unknown
  readonly testdir: (fixture: Record<string, string>) => string
}

const prepare = async (t: Test, options: EmulatorOptions = {}) => {
  const directory = t.testdir({})
  const file = join(directory, 'f.bin')
  const checkpoint = join(directory, 'checkpoints')
  await writeFile(file, bytes)
  const cos = await startCos(t, options)
  const input = { ...at, file, checkpoint, threshold: MiB, partSize: MiB, concurrency: 1 } as const
  return { cos, client: cos.client(), input, file, checkpoint }
}

const openUploads = async (cos: Cos): Promise<number> =>
  right(await send(listMultipartUploads({ bucket }))(cos.client())()).uploads.length

const slowParts: EmulatorOptions = {
  fault: ({ operation }) => (operation === 'UploadPart' ? { delay: 100 } : undefined)
}

const isSent = (cos: Cos, parts: number) => () => cos.count('UploadPart') >= parts

// -- two runs at once --
t.test('two uploads of one key at the same time both succeed', async (t) => {
  for (const content of [bytes, bytesOf(4 * MiB + 3, 7)]) {
    const { cos, client, input, file } = await prepare(t, slowParts)
    await writeFile(`${file}-2`, content)
    const first = uploadFile(input)(client)()
    // The second has two parts more to send, so it completes last, and its content stays.
    await waitFor(isSent(cos, 3))
    const second = uploadFile({ ...input, file: `${file}-2` })(cos.client())()
    t.match(right(await first), { resumed: 0, parts: 5 })
    t.match(right(await second), { resumed: 0, parts: 5 })
    const head = right(await send(headObject(at))(client)())
    t.match(head, { size: bytes.length, crc64: { value: await crc64(content) } })
    t.equal(await openUploads(cos), 0)
  }
})

t.test('two uploads of one file at the same time both succeed', async (t) => {
  const { cos, client, input, checkpoint } = await prepare(t, slowParts)
  const first = uploadFile(input)(client)()
  await waitFor(isSent(cos, 1))
  const second = uploadFile(input)(client)()
  t.ok(E.isRight(await first))
  t.ok(E.isRight(await second))
  t.same(await readdir(checkpoint), [])
})

t.test('an upload that is aborted by its signal does not abort the upload of another run', async (t) => {
  const { cos, client, input } = await prepare(t, slowParts)
  const first = uploadFile(input)(client)()
  await waitFor(isSent(cos, 1))
  const controller = new AbortController()
  const second = withSignal(controller.signal)(uploadFile({ ...input, checkpoint: false }))(client)()
  await waitFor(isSent(cos, 3))
  controller.abort()
  t.match(left(await second), { _tag: 'Aborted' })
  t.match(right(await first), { parts: 5, resumed: 0 })
})

// -- checkpoints --
const failOnce = (operation: string, partNumber?: number): EmulatorOptions => ({
  fault: script([
    {
      operation,
      ...(partNumber === undefined ? {} : { query: { partNumber: String(partNumber) } }),
      times: 1,
      fault: { response: { status: 403, code: 'AccessDenied' } }
    }
  ])
})

t.test('a failed upload that was kept is resumed by the next run, whose checkpoint is removed', async (t) => {
  const { cos, client, input, checkpoint } = await prepare(t, failOnce('UploadPart', 3))
  left(await uploadFile({ ...input, onFailure: 'keep' })(client)())
  t.equal((await readdir(checkpoint)).length, 1)
  t.match(right(await uploadFile(input)(client)()), { resumed: 2 * MiB, parts: 5 })
  t.same(await readdir(checkpoint), [])
  t.equal(await openUploads(cos), 0)
})

t.test('an upload of a dead process is resumed at once', async (t) => {
  const { client, input, checkpoint } = await prepare(t, failOnce('UploadPart', 3))
  left(await uploadFile({ ...input, onFailure: 'keep' })(client)())
  const [name = ''] = await readdir(checkpoint)
  const owner = await lockNameOfDeadProcess()
  await rename(join(checkpoint, name), join(checkpoint, `${name.slice(0, 33)}${owner}.cospipe-upload`))
  t.match(right(await uploadFile(input)(client)()), { resumed: 2 * MiB })
})

t.test('a failed upload that was aborted leaves no checkpoint', async (t) => {
  const { cos, client, input, checkpoint } = await prepare(t, failOnce('UploadPart', 3))
  left(await uploadFile(input)(client)())
  t.same(await readdir(checkpoint), [])
  t.equal(await openUploads(cos), 0)
})

t.test('an earlier upload of a file that has changed is aborted, or kept with onFailure keep', async (t) => {
  for (const [onFailure, remaining] of [
    ['abort', 0],
    ['keep', 1]
  ] as const) {
    const { cos, client, input, file } = await prepare(t, failOnce('UploadPart', 3))
    left(await uploadFile({ ...input, onFailure: 'keep' })(client)())
    await writeFile(file, bytesOf(bytes.length, 5))
    t.match(right(await uploadFile({ ...input, onFailure })(client)()), { resumed: 0 })
    t.equal(await openUploads(cos), remaining)
  }
})

t.test('an earlier upload that was aborted by another is replaced by a new one', async (t) => {
  const { client, input, checkpoint } = await prepare(t, failOnce('UploadPart', 3))
  const { uploadId = '' } = left(await uploadFile({ ...input, onFailure: 'keep' })(client)()).context
  right(await send(abortMultipartUpload({ ...at, uploadId }))(client)())
  t.match(right(await uploadFile(input)(client)()), { resumed: 0, parts: 5 })
  t.same(await readdir(checkpoint), [])
})

t.test('a resumed upload that disappears while it is filled is replaced by a new one', async (t) => {
  let remove: () => Promise<void> = async () => undefined
  const { cos, client, input } = await prepare(t, {
    fault: ({ operation, query, count: nth }) => {
      if (operation === 'UploadPart' && query['partNumber'] === '3' && nth <= 3) {
        return { response: { status: 403, code: 'AccessDenied' } }
      }
      if (operation === 'ListParts') void remove()
      return operation === 'UploadPart' ? { delay: 50 } : undefined
    }
  })
  const { uploadId = '' } = left(await uploadFile({ ...input, onFailure: 'keep' })(client)()).context
  remove = async () => {
    await becomesTrue(isSent(cos, 4))
    await send(abortMultipartUpload({ ...at, uploadId }))(client)()
  }
  t.match(right(await uploadFile(input)(client)()), { parts: 5 })
  t.equal(cos.count('CreateMultipartUpload'), 2)
  t.equal(await openUploads(cos), 0)
})

t.test('without a writable default directory the upload works without a checkpoint', async (t) => {
  const { client, input, file } = await prepare(t)
  const before = process.env['XDG_STATE_HOME']
  t.teardown(() => {
    if (before === undefined) delete process.env['XDG_STATE_HOME']
    else process.env['XDG_STATE_HOME'] = before
  })
  process.env['XDG_STATE_HOME'] = join(file, 'x')
  const { checkpoint: _, ...rest } = input
  t.match(right(await uploadFile(rest)(client)()), { parts: 5 })
})

t.test('a given directory that cannot be written to is a FileError, and the upload is aborted', async (t) => {
  const { cos, client, input, file } = await prepare(t)
  const error = left(await uploadFile({ ...input, checkpoint: join(file, 'x') })(client)())
  t.match(error, { _tag: 'FileError', code: 'ENOTDIR', path: join(file, 'x') })
  t.equal(await openUploads(cos), 0)
})

t.test('the source directory may be read-only', async (t) => {
  const { client, input, file } = await prepare(t)
  const directory = join(dirname(file), 'read-only')
  await mkdir(directory)
  await writeFile(join(directory, 'f.bin'), bytes)
  await chmod(directory, 0o555)
  const result = await uploadFile({ ...input, file: join(directory, 'f.bin') })(client)()
  // Before the fixture is removed.
  await chmod(directory, 0o755)
  t.match(right(result), { parts: 5 })
})

// -- uploads of others --
const foreign = async (cos: Cos): Promise<string> => {
  const { uploadId } = right(await send(createMultipartUpload(at))(cos.client())())
  const part = { ...at, uploadId, partNumber: 1, body: bytes.subarray(0, MiB) }
  right(await send(uploadPart(part))(cos.client())())
  return uploadId
}

t.test('an upload of the key is resumed only if nothing was added to it for an hour', async (t) => {
  for (const [age, resumed] of [
    [hour / 2, 0],
    [hour + 1000, MiB]
  ] as const) {
    let later = 0
    const { cos, client, input } = await prepare(t, { now: () => Date.now() + later })
    await foreign(cos)
    later = age
    client.clock.set(Date.now() + later)
    t.match(right(await uploadFile(input)(client)()), { resumed })
  }
})

t.test('minAge sets the age of an abandoned upload', async (t) => {
  const { cos, client, input } = await prepare(t)
  await foreign(cos)
  t.match(right(await uploadFile({ ...input, resume: { minAge: 0 } })(client)()), { resumed: MiB })
})

t.test('a failed run aborts the upload of another only if onFailure is given', async (t) => {
  for (const [onFailure, remaining] of [
    [{}, 1],
    [{ onFailure: 'abort' as const }, 0]
  ] as const) {
    const { cos, client, input } = await prepare(t, failOnce('UploadPart', 3))
    const uploadId = await foreign(cos)
    const error = left(await uploadFile({ ...input, ...onFailure, resume: { minAge: 0 } })(client)())
    t.equal(error.context.uploadId, remaining === 1 ? uploadId : undefined)
    t.equal(await openUploads(cos), remaining)
  }
})
