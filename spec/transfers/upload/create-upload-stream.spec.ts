import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { createGunzip, createGzip } from 'node:zlib'
import t from 'tap'
import { CosException } from '../../../lib/core/error.js'
import { send } from '../../../lib/client/send.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { createUploadStream } from '../../../lib/transfers/upload/create-upload-stream.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'
import { bucket, startCos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const to = { bucket, key: 'up/load.gz' }

t.test('pipeline resolves when the object is complete and verified', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const bytes = bytesOf(3 * MiB)
  const sink = createUploadStream(client)({ ...to, partSize: MiB })
  await pipeline(splitBytes(bytes, 10_000), createGzip(), sink)
  t.match(right(await sink.uploaded()), { integrity: { _tag: 'Verified' } })

  const { body } = right(await send(getObject(to))(client)())
  const back = Buffer.concat((await body.pipe(createGunzip()).toArray()) as ReadonlyArray<Buffer>)
  t.ok(bytes.equals(back))
})

t.test(
  '.pipe() works, text is written as UTF-8, and finish is emitted when the object is complete',
  async (t) => {
    const cos = await startCos(t)
    const sink = Readable.from(['a', 'é', '腾']).pipe(createUploadStream(cos.client())(to))
    await once(sink, 'finish')
    const { body } = right(await send(getObject(to))(cos.client())())
    t.equal(Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>).toString(), 'aé腾')
  }
)

t.test('a failure of the upload fails the pipeline before the source ends', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) =>
      operation === 'UploadPart' ? { response: { status: 403, code: 'AccessDenied' } } : undefined
  })
  const sink = createUploadStream(cos.client())({ ...to, partSize: MiB })
  const endless = async function* () {
    for (;;) yield bytesOf(MiB)
  }
  await t.rejects(pipeline(endless(), sink), { name: 'CosException', error: { code: 'AccessDenied' } })
  t.match(left(await sink.uploaded()), { _tag: 'ServiceError', code: 'AccessDenied' })
  t.ok(await becomesTrue(() => cos.operations().includes('AbortMultipartUpload')))
})

t.test('an error of the source aborts the upload', async (t) => {
  const cos = await startCos(t)
  const yieldThenBreak = async function* () {
    yield bytesOf(3 * MiB)
    await waitFor(() => cos.operations().includes('UploadPart'))
    throw new Error('disk')
  }
  const sink = createUploadStream(cos.client())({ ...to, partSize: MiB })
  await t.rejects(pipeline(yieldThenBreak(), sink), { message: 'disk' })
  t.match(left(await sink.uploaded()), { _tag: 'Aborted' })
  t.ok(await becomesTrue(() => cos.operations().includes('AbortMultipartUpload')))
  t.notOk(cos.operations().includes('CompleteMultipartUpload'))
  t.equal(right(await send(listMultipartUploads({ bucket }))(cos.client())()).uploads.length, 0)
})

t.test('an invalid input is an error of the stream', async (t) => {
  const cos = await startCos(t)
  const sink = createUploadStream(cos.client())({ ...to, key: '' })
  const [error] = (await once(sink, 'error')) as [unknown]
  t.ok(error instanceof CosException)
  t.match(error, { error: { _tag: 'InvalidInput', field: 'key' } })
})

t.test('a writer faster than COS waits', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) => (operation === 'UploadPart' ? { delay: 60_000 } : undefined)
  })
  const sink = createUploadStream(cos.client())({ ...to, partSize: MiB, concurrency: 1 })
  let written = 0
  while (written < 50 && sink.write(bytesOf(MiB))) {
    written += 1
    await setTimeout(1)
  }
  t.ok(written < 6, `${String(written)} MiB were taken`)
  sink.destroy()
  t.match(left(await sink.uploaded()), { _tag: 'Aborted' })
})
