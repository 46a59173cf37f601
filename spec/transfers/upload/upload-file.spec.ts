import { appendFileSync, renameSync, truncateSync } from 'node:fs'
import { readFile, truncate, utimes, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { createMultipartUpload } from '../../../lib/operations/create-multipart-upload.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { uploadPart } from '../../../lib/operations/upload-part.js'
import { createProgressWith } from '../../../lib/stages/progress.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { bytesOf } from '../../support/bytes.js'
import { isLongForm } from '../../support/long-form.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const at = { bucket, key: 'files/f.bin' }
const sizes = { partSize: MiB, threshold: MiB }
const bytes = bytesOf(5 * MiB + 3)
const anyAge = { resume: { minAge: 0 } }

process.env['XDG_STATE_HOME'] = t.testdir({})

interface Test {
  readonly teardown: (clean: () => unknown) => unknown
  readonly testdir: (fixture: Record<string, string>) => string
}

const startWithFile = async (t: Test, options: EmulatorOptions = {}, content: Uint8Array = bytes) => {
  const file = `${t.testdir({})}/f.bin`
  await writeFile(file, content)
  const cos = await startCos(t, options)
  return { file, cos, client: cos.client() }
}

const readStored = async (cos: Cos): Promise<Buffer> => {
  const { body } = right(await send(getObject(at))(cos.client())())
  return Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>)
}

const countUploads = async (cos: Cos): Promise<number> =>
  right(await send(listMultipartUploads({ bucket }))(cos.client())()).uploads.length

const countParts = (cos: Cos): number => cos.count('UploadPart')

t.test('a file becomes an object, in one request or in parts, and is verified', async (t) => {
  for (const [size, parts] of [
    [0, 1],
    [1, 1],
    [MiB, 1],
    [MiB + 1, 2],
    [5 * MiB + 3, 6]
  ] as const) {
    const content = bytesOf(size)
    const { file, cos, client } = await startWithFile(t, {}, content)
    const up = right(await uploadFile({ ...at, ...sizes, file })(client)())
    t.match(up, {
      size,
      parts,
      multipart: parts > 1,
      resumed: 0,
      crc64: await crc64(content),
      integrity: { _tag: 'Verified' }
    })
    t.ok(content.equals(await readStored(cos)), `${String(size)} bytes`)
    t.equal(await countUploads(cos), 0)
  }
})

t.test('a second run sends only the missing parts', async (t) => {
  const { file, cos, client } = await startWithFile(t, {
    fault: script([
      {
        operation: 'UploadPart',
        query: { partNumber: '4' },
        fault: { response: { status: 403, code: 'AccessDenied' } },
        times: 1
      }
    ])
  })
  const input = { ...at, ...sizes, file, concurrency: 1, onFailure: 'keep' } as const
  const error = left(await uploadFile(input)(client)())
  t.match(error, { _tag: 'ServiceError', code: 'AccessDenied' })
  t.ok(error.context.uploadId)
  t.equal(countParts(cos), 4)
  const up = right(await uploadFile(input)(client)())
  t.match(up, { parts: 6, resumed: 3 * MiB, integrity: { _tag: 'Verified' }, crc64: await crc64(bytes) })
  t.equal(countParts(cos), 7)
  t.ok(bytes.equals(await readStored(cos)))
  t.equal(await countUploads(cos), 0)
})

t.test(
  'an upload restarts if its file changed, even with the same size and date, and never mixes contents',
  async (t) => {
    const { file, cos, client } = await startWithFile(t, {
      fault: script([
        {
          operation: 'CompleteMultipartUpload',
          times: 1,
          fault: { response: { status: 403, code: 'AccessDenied' } }
        }
      ])
    })
    const input = { ...at, ...sizes, file, onFailure: 'keep' } as const
    left(await uploadFile(input)(client)())
    const other = Buffer.from(bytes)
    other[4 * MiB] = (other[4 * MiB] ?? 0) ^ 1
    const when = new Date('2024-05-01T08:31:00Z')
    await utimes(file, when, when)
    await writeFile(file, other)
    await utimes(file, when, when)
    t.match(right(await uploadFile(input)(client)()), { resumed: 0, crc64: await crc64(other) })
    t.ok(other.equals(await readStored(cos)))
  }
)

t.test('an upload of the same key from another file is not changed', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  const { uploadId } = right(await send(createMultipartUpload(at))(client)())
  right(await send(uploadPart({ ...at, uploadId, partNumber: 1, body: bytesOf(MiB, 9) }))(client)())
  t.match(right(await uploadFile({ ...at, ...sizes, ...anyAge, file })(client)()), { resumed: 0 })
  t.ok(bytes.equals(await readStored(cos)))
  t.equal(await countUploads(cos), 1)
})

t.test('an upload with parts beyond the plan, or of another size, is not resumed', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  for (const part of [
    { partNumber: 7, body: bytesOf(MiB) },
    { partNumber: 1, body: bytes.subarray(0, MiB + 1) }
  ]) {
    const { uploadId } = right(await send(createMultipartUpload(at))(client)())
    right(await send(uploadPart({ ...at, uploadId, ...part }))(client)())
    t.match(right(await uploadFile({ ...at, ...sizes, ...anyAge, file })(client)()), { resumed: 0 })
  }
  t.ok(bytes.equals(await readStored(cos)))
})

t.test('the newest upload is found after a page of others, and no upload of a longer key', async (t) => {
  let later = 0
  const { file, cos, client } = await startWithFile(t, { now: () => Date.now() + later })
  // More than a page of 1,000 in the long form.
  const rounds = isLongForm ? 20 : 1
  for (let n = 0; n < rounds; n += 1) {
    await Promise.all(Array.from({ length: 51 }, () => send(createMultipartUpload(at))(client)()))
  }
  later = 60_000
  right(await send(createMultipartUpload({ ...at, key: `${at.key}x` }))(client)())
  const { uploadId } = right(await send(createMultipartUpload(at))(client)())
  right(
    await send(uploadPart({ ...at, uploadId, partNumber: 2, body: bytes.subarray(MiB, 2 * MiB) }))(client)()
  )
  t.match(right(await uploadFile({ ...at, ...sizes, ...anyAge, file })(client)()), { resumed: MiB })
  t.equal(await countUploads(cos), isLongForm ? 1000 : 52)
})

t.test('an upload named by its id is resumed, and fails if it no longer exists', async (t) => {
  const { file, client } = await startWithFile(t)
  const { uploadId } = right(await send(createMultipartUpload(at))(client)())
  right(await send(uploadPart({ ...at, uploadId, partNumber: 1, body: bytes.subarray(0, MiB) }))(client)())
  right(await send(createMultipartUpload(at))(client)())
  const named = uploadFile({ ...at, ...sizes, file, resume: { uploadId } })
  t.match(right(await named(client)()), { resumed: MiB })
  t.match(left(await named(client)()), { _tag: 'ServiceError', code: 'NoSuchUpload' })
})

t.test('`never` restarts the upload', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  const { uploadId } = right(await send(createMultipartUpload(at))(client)())
  right(await send(uploadPart({ ...at, uploadId, partNumber: 1, body: bytes.subarray(0, MiB) }))(client)())
  t.match(right(await uploadFile({ ...at, ...sizes, file, resume: 'never' })(client)()), { resumed: 0 })
  t.equal(await countUploads(cos), 1)
})

t.test('with skipExisting an object equal to the file is not sent again', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  const input = { ...at, ...sizes, file, skipExisting: true }
  right(await uploadFile(input)(client)())
  const before = countParts(cos)
  t.match(right(await uploadFile(input)(client)()), { resumed: bytes.length, parts: 0 })
  t.equal(countParts(cos), before)
  right(await send(putObject({ ...at, body: bytesOf(bytes.length, 2) }))(client)())
  t.match(right(await uploadFile(input)(client)()), { resumed: 0, parts: 6 })
})

t.test('a file that changes meanwhile is a SourceError, and the old object stays', async (t) => {
  let change = (): void => undefined
  const { file, cos, client } = await startWithFile(t, {
    fault: ({ operation }) => {
      if (operation === 'UploadPart') change()
      return undefined
    }
  })
  right(await send(putObject({ ...at, body: 'old' }))(client)())
  for (const act of [() => appendFileSync(file, 'more'), () => truncateSync(file, 3 * MiB)]) {
    await writeFile(file, bytes)
    let changes = 0
    // With the first part that arrives, of six that are sent one by one.
    change = () => {
      if ((changes += 1) === 1) act()
    }
    const result = uploadFile({ ...at, ...sizes, file, concurrency: 1, resume: 'never' })(client)()
    t.match(left(await result), { _tag: 'SourceError' })
    t.ok(changes > 0)
  }
  t.equal((await readStored(cos)).toString(), 'old')
  t.equal(await countUploads(cos), 0)
})

t.test('if another file is renamed over the path meanwhile, the opened file is uploaded', async (t) => {
  let arrive = (): void => undefined
  const { file, cos, client } = await startWithFile(t, {
    fault: ({ operation, query }) => {
      if (operation === 'UploadPart' && query['partNumber'] === '1') arrive()
      return undefined
    }
  })
  const other = bytesOf(bytes.length, 3)
  await writeFile(`${file}.new`, other)
  arrive = () => {
    renameSync(`${file}.new`, file)
  }
  right(await uploadFile({ ...at, ...sizes, file, concurrency: 1 })(client)())
  t.ok(other.equals(await readFile(file)), 'it was moved')
  t.ok(bytes.equals(await readStored(cos)))
})

t.test('a path that is not a regular file is a FileError with its code', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  const dir = dirname(file)
  execFileSync('mkfifo', [`${dir}/pipe`])
  for (const [path, code] of [
    [`${dir}/none`, 'ENOENT'],
    [dir, 'EISDIR'],
    [`${dir}/pipe`, 'ENOTFILE'],
    [`${file}/x`, 'ENOTDIR']
  ] as const) {
    t.match(left(await uploadFile({ ...at, file: path })(client)()), { _tag: 'FileError', code, path })
  }
  t.equal(cos.operations().length, 0)
})

t.test('the part size of a sparse file of 200 GiB grows so that 10,000 parts suffice', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  await writeFile(file, '')
  await truncate(file, 200 * 1024 * MiB)
  const controller = new AbortController()
  // The first parts are refused: only their length is compared.
  const result = withSignal(controller.signal)(uploadFile({ ...at, file, concurrency: 1 }))(client)()
  await waitFor(() => countParts(cos) > 0)
  controller.abort()
  t.match(left(await result), { _tag: 'Aborted' })
  const part = cos.emulator.requests().find(({ operation }) => operation === 'UploadPart')
  t.equal(part?.headers['content-length'], String(21 * MiB))
  t.ok(Math.ceil((200 * 1024) / 21) <= 10_000)
})

t.test(
  'a signal settles uploadFile at once; the parts are deleted, or kept with onFailure keep',
  async (t) => {
    for (const onFailure of ['abort', 'keep'] as const) {
      const { file, cos, client } = await startWithFile(t, {
        fault: ({ operation, count }) =>
          operation === 'UploadPart' && count > 2 ? { delay: 60_000 } : undefined
      })
      const controller = new AbortController()
      const result = withSignal(controller.signal)(
        uploadFile({ ...at, ...sizes, file, concurrency: 2, onFailure })
      )(client)()
      await waitFor(() => countParts(cos) === 4)
      controller.abort()
      t.ok(await settlesWithin(50, result))
      const error = left(await result)
      // With `abort`, it is not known yet whether the upload still exists.
      t.match(error, { _tag: 'Aborted', context: { uploadId: /./ } })
      if (onFailure === 'abort') t.ok(await becomesTrue(async () => (await countUploads(cos)) === 0))
      else {
        await setTimeout(150)
        t.equal(await countUploads(cos), 1)
      }
    }
  }
)

t.test('the progress of uploadFile can be read, and ends with the upload', async (t) => {
  const { file, client } = await startWithFile(t)
  const progress = createProgressWith({ total: O.none, clock: () => performance.now() })
  right(await uploadFile({ ...at, ...sizes, file, progress })(client)())
  t.match(progress.read(), { transferred: bytes.length, parts: { inFlight: 0, done: 6 } })
  let reads = 0
  for await (const _ of progress) reads += 1
  t.ok(reads >= 1)
})

t.test('the metadata arrive, and with enableMd5 every part has its MD5', async (t) => {
  const { file, cos, client } = await startWithFile(t)
  right(
    await uploadFile({
      ...at,
      ...sizes,
      file,
      contentType: 'text/plain',
      metadata: { a: 'b' },
      enableMd5: true
    })(client)()
  )
  t.match(right(await send(headObject(at))(client)()), {
    contentType: O.some('text/plain'),
    metadata: { a: 'b' }
  })
  const put = cos.emulator.requests().filter(({ operation }) => operation === 'UploadPart')
  t.ok(put.every(({ headers }) => headers['content-md5'] !== undefined))
})
