import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { script } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { uploadStream } from '../../../lib/transfers/upload/upload-stream.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const to = { bucket, key: 'up/load.bin' }
const partSize = MiB

/** Not by the last request: an aborted part is recorded only when its connection has ended. */
const isAborted = async (cos: Cos): Promise<boolean> => {
  const requested = cos.operations()
  const { uploads } = right(await send(listMultipartUploads({ bucket }))(cos.client())())
  return (
    requested.includes('AbortMultipartUpload') &&
    !requested.includes('CompleteMultipartUpload') &&
    uploads.length === 0
  )
}

const readStored = async (cos: Cos): Promise<Buffer> => {
  const { body } = right(await send(getObject(to))(cos.client())())
  return Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>)
}

t.test('a stream of unknown length becomes an object, with chunks of any size', async (t) => {
  const cos = await startCos(t)
  const bytes = bytesOf(3 * MiB + 17)
  for (const size of [777, 64 * 1024, bytes.length]) {
    const up = right(await uploadStream({ ...to, partSize })(splitBytes(bytes, size))(cos.client())())
    const sum = await crc64(bytes)
    t.match(up, { size: bytes.length, parts: 4, crc64: sum, integrity: { _tag: 'Verified', crc64: sum } })
    t.ok(bytes.equals(await readStored(cos)), `chunks of ${String(size)}`)
  }
})

t.test('chunks of single bytes are uploaded', async (t) => {
  const cos = await startCos(t)
  const bytes = bytesOf(20_000)
  right(await uploadStream(to)(splitBytes(bytes, 1))(cos.client())())
  t.ok(bytes.equals(await readStored(cos)))
})

t.test('up to one part is sent by one PUT, and one byte more in parts', async (t) => {
  for (const [size, operations] of [
    [0, ['PutObject']],
    [1, ['PutObject']],
    [MiB, ['PutObject']],
    [MiB + 1, ['CreateMultipartUpload', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload']]
  ] as const) {
    const cos = await startCos(t)
    const up = right(
      await uploadStream({ ...to, partSize })(splitBytes(bytesOf(size), 50_000))(cos.client())()
    )
    t.equal(up.integrity._tag, 'Verified')
    t.equal(up.size, size)
    t.same([...cos.operations()].sort(), [...operations].sort(), `${String(size)} bytes`)
    t.equal((await readStored(cos)).length, size)
  }
})

t.test('a threshold sends even one part as an upload in parts', async (t) => {
  const cos = await startCos(t)
  const up = right(await uploadStream({ ...to, threshold: 10 })(splitBytes(bytesOf(11), 5))(cos.client())())
  t.equal(up.parts, 1)
  t.equal(up.integrity._tag, 'Verified')
})

t.test('the metadata arrive, in one request and in parts', async (t) => {
  const cos = await startCos(t)
  const words = {
    contentType: 'text/plain',
    cacheControl: 'max-age=60',
    metadata: { color: 'red' },
    storageClass: 'STANDARD_IA',
    acl: 'private',
    enableMd5: true
  }
  for (const size of [10, 2 * MiB]) {
    right(
      await uploadStream({ ...to, partSize, ...words })(splitBytes(bytesOf(size), 100_000))(cos.client())()
    )
    t.match(right(await send(headObject(to))(cos.client())()), {
      size,
      contentType: O.some('text/plain'),
      cacheControl: O.some('max-age=60'),
      metadata: { color: 'red' },
      storageClass: 'STANDARD_IA'
    })
  }
  const bodies = cos.emulator.requests().filter(({ bytesIn, method }) => method === 'PUT' && bytesIn > 0)
  t.equal(bodies.length, 3)
  t.ok(bodies.every(({ headers }) => headers['content-md5'] !== undefined))
})

t.test("a customer's key is sent with the creation and with every part", async (t) => {
  const cos = await startCos(t)
  const sse = { type: 'C', key: Buffer.alloc(32, 7) } as const
  const up = right(
    await uploadStream({ ...to, partSize, sse })(splitBytes(bytesOf(2 * MiB), 100_000))(cos.client())()
  )
  t.equal(up.integrity._tag, 'Verified')
  t.equal(right(await send(headObject({ ...to, sse }))(cos.client())()).size, 2 * MiB)
})

t.test('a part that fails is sent again from memory', async (t) => {
  const cos = await startCos(t, {
    fault: script([
      { operation: 'UploadPart', skip: 1, times: 1, fault: { response: { status: 503, code: 'SlowDown' } } }
    ])
  })
  const bytes = bytesOf(3 * MiB)
  right(await uploadStream({ ...to, partSize })(splitBytes(bytes, 70_000))(cos.client())())
  t.ok(bytes.equals(await readStored(cos)))
  t.equal(cos.count('UploadPart'), 4)
})

t.test(
  'a part whose CRC64 differs is an IntegrityError with its number, and the parts are deleted',
  async (t) => {
    const cos = await startCos(t, {
      fault: ({ operation, query }) =>
        operation === 'UploadPart' && query['partNumber'] === '2'
          ? { headers: { 'x-cos-hash-crc64ecma': '1' } }
          : undefined
    })
    const result = await uploadStream({ ...to, partSize })(splitBytes(bytesOf(3 * MiB), 70_000))(
      cos.client()
    )()
    t.match(left(result), { _tag: 'IntegrityError', part: O.some(2), check: 'crc64' })
    t.ok(await isAborted(cos))
    t.match(left(await send(headObject(to))(cos.client())()), { status: 404 })
  }
)

t.test('an object whose CRC64 differs is an IntegrityError', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) =>
      operation === 'CompleteMultipartUpload' ? { headers: { 'x-cos-hash-crc64ecma': '1' } } : undefined
  })
  const result = await uploadStream({ ...to, partSize })(splitBytes(bytesOf(2 * MiB), 70_000))(cos.client())()
  t.match(left(result), { _tag: 'IntegrityError', part: O.none })
})

t.test('if the completion has no checksum, a HEAD is sent for it', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) =>
      operation === 'CompleteMultipartUpload' ? { headers: { 'x-cos-hash-crc64ecma': null } } : undefined
  })
  const up = right(
    await uploadStream({ ...to, partSize })(splitBytes(bytesOf(2 * MiB), 70_000))(cos.client())()
  )
  t.equal(up.integrity._tag, 'Verified')
  t.equal(cos.operations().at(-1), 'HeadObject')
})

t.test(
  'a completion whose response was lost succeeds, because the object has the CRC64 of the parts',
  async (t) => {
    const cos = await startCos(t, {
      fault: script([{ operation: 'CompleteMultipartUpload', times: 1, fault: { cut: { at: 'head' } } }])
    })
    const up = right(
      await uploadStream({ ...to, partSize })(splitBytes(bytesOf(2 * MiB), 70_000))(cos.client())()
    )
    t.equal(up.integrity._tag, 'Verified')
    t.same(cos.operations().slice(-3), ['CompleteMultipartUpload', 'CompleteMultipartUpload', 'HeadObject'])
  }
)

t.test('if the source fails, the parts are deleted and its error is reported', async (t) => {
  const cos = await startCos(t)
  const yieldThenBreak = async function* () {
    yield bytesOf(3 * MiB)
    throw new Error('disk')
  }
  const error = left(await uploadStream({ ...to, partSize })(yieldThenBreak())(cos.client())())
  t.match(error, { _tag: 'SourceError', cause: { message: 'disk' }, context: { operation: 'uploadStream' } })
  t.ok(await isAborted(cos))
  t.notOk(error.context.uploadId)
})

t.test('with onFailure keep a failed upload is kept, and the error has its id', async (t) => {
  const cos = await startCos(t)
  const yieldThenBreak = async function* () {
    yield bytesOf(3 * MiB)
    throw new Error('disk')
  }
  const error = left(
    await uploadStream({ ...to, partSize, onFailure: 'keep' })(yieldThenBreak())(cos.client())()
  )
  t.match(error.context.uploadId, /\w/)
  t.notOk(cos.operations().includes('AbortMultipartUpload'))
})

t.test('a signal settles an upload at once, closes its source, and its parts are deleted', async (t) => {
  const cos = await startCos(t)
  let closed = false
  const endless = async function* () {
    try {
      for (;;) {
        yield bytesOf(MiB)
        await setTimeout(5)
      }
    } finally {
      closed = true
    }
  }
  const controller = new AbortController()
  const result = pipe(
    endless(),
    uploadStream({ ...to, partSize }),
    withSignal(controller.signal)
  )(cos.client())()
  await waitFor(() => cos.operations().includes('UploadPart'))
  await setTimeout(20)
  controller.abort('enough')
  t.ok(await settlesWithin(50, result))
  t.match(left(await result), { _tag: 'Aborted', reason: 'enough' })
  t.ok(await becomesTrue(() => closed))
  t.ok(await becomesTrue(() => isAborted(cos)))
})

t.test('a slow server pauses the source', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) => (operation === 'UploadPart' ? { delay: 400 } : undefined)
  })
  let read = 0
  const countTaken = async function* () {
    for (let n = 0; n < 9; n += 1) {
      read += 1
      yield bytesOf(MiB)
    }
  }
  const result = uploadStream({ ...to, partSize, concurrency: 3 })(countTaken())(cos.client())()
  await setTimeout(300)
  // 3 in flight, 1 cut ahead, and the chunk that showed that it was not the last.
  t.ok(read <= 5, `${String(read)} chunks were read`)
  t.equal(right(await result).parts, 9)
})

t.test('a source with another length than announced is a SourceError', async (t) => {
  const cos = await startCos(t)
  const up = (length: number) =>
    uploadStream({ ...to, partSize, length })(splitBytes(bytesOf(1000), 100))(cos.client())()
  t.equal(right(await up(1000)).size, 1000)
  t.match(left(await up(999)), { _tag: 'SourceError' })
  t.match(left(await up(1001)), { _tag: 'SourceError' })
})

t.test('an invalid input is an InvalidInput with its field, and nothing is read or sent', async (t) => {
  const cos = await startCos(t)
  let read = false
  const source = async function* () {
    read = true
    yield bytesOf(1)
  }
  for (const [field, wrong] of [
    ['key', { key: '' }],
    ['bucket', { bucket: 'nameless' }],
    ['partSize', { partSize: 1000 }],
    ['partSize', { partSize: 6 * 1024 * MiB }],
    ['concurrency', { concurrency: 0 }],
    ['length', { length: -1 }],
    ['length', { length: 50_001 * 1024 * MiB }],
    ['partsize', { partsize: MiB }]
  ] as const) {
    t.match(left(await uploadStream({ ...to, ...wrong })(source())(cos.client())()), {
      _tag: 'InvalidInput',
      field
    })
  }
  t.notOk(read)
  t.equal(cos.operations().length, 0)
})

t.test('many uploads share one memory limit and all finish', async (t) => {
  const cos = await startCos(t)
  const client = cos.client({ memoryLimit: 6 * MiB })
  const bytes = bytesOf(MiB + 5)
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      uploadStream({ bucket, key: `many/${String(n)}`, partSize })(splitBytes(bytes, 60_000))(client)()
    )
  )
  t.same(new Set(results.map((result) => right(result).integrity._tag)), new Set(['Verified']))
})

t.test('an upload resumes from the stored parts if the source has the same bytes again', async (t) => {
  const cos = await startCos(t)
  const bytes = bytesOf(6 * MiB)
  const sent = () => cos.emulator.requests().filter(({ operation }) => operation === 'UploadPart')
  const broken = async function* () {
    // Three parts: it is not known yet whether the fourth is complete.
    yield* splitBytes(bytes.subarray(0, 4 * MiB), 50_000)
    await waitFor(() => sent().length === 3 && sent().every(({ status }) => status === 200))
    throw new Error('cut')
  }
  const input = { ...to, partSize, onFailure: 'keep' } as const
  const { context } = left(await uploadStream(input)(broken())(cos.client())())
  const uploadId = context.uploadId ?? ''
  const before = sent().length
  t.equal(before, 3)
  for (const resume of [{ minAge: 0 }, { uploadId }] as const) {
    const up = await uploadStream({ ...input, resume })(splitBytes(bytes, 70_000))(cos.client())()
    if ('minAge' in resume) {
      t.match(right(up), { resumed: before * MiB, parts: 6, integrity: { _tag: 'Verified' } })
      t.equal(cos.count('UploadPart'), 6)
    } else t.match(left(up), { _tag: 'ServiceError', code: 'NoSuchUpload' })
  }
  t.ok(bytes.equals(await readStored(cos)))
})

t.test('if the source has other bytes, the parts that differ are sent again', async (t) => {
  const cos = await startCos(t, {
    fault: script([
      {
        operation: 'CompleteMultipartUpload',
        times: 1,
        fault: { response: { status: 403, code: 'AccessDenied' } }
      }
    ])
  })
  const first = bytesOf(4 * MiB)
  const second = Buffer.concat([first.subarray(0, 2 * MiB), bytesOf(2 * MiB, 7)])
  const input = { ...to, partSize, onFailure: 'keep', resume: { minAge: 0 } } as const
  left(await uploadStream(input)(splitBytes(first, 70_000))(cos.client())())
  t.match(right(await uploadStream(input)(splitBytes(second, 70_000))(cos.client())()), { resumed: 2 * MiB })
  t.ok(second.equals(await readStored(cos)))
})
