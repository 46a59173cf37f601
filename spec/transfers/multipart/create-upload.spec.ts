import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { constVoid } from 'fp-ts/lib/function.js'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { contextOf } from '../../../lib/core/operation.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { openScope } from '../../../lib/client/scope.js'
import { send, type CosEffect } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { copy } from '../../../lib/transfers/copy/copy.js'
import { createUpload } from '../../../lib/transfers/multipart/create-upload.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { uploadStream } from '../../../lib/transfers/upload/upload-stream.js'
import { waitFor } from '../../support/wait-for.js'
import { bucket, startCos } from '../../support/cos.js'
import { from } from '../../support/iterables.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const at = { bucket, key: 'parts.bin' }
const source = { bucket, region: 'ap-guangzhou', key: 'source.bin' }
const body = Buffer.alloc(2 * MiB + 1)

const create = (client: Client) => {
  const context = contextOf('spec', at)
  return createUpload({ scope: openScope(client, context), context, onFailure: constVoid }, at, {
    onFailure: 'abort'
  })
}

t.test('createUpload creates an upload and returns its id', async (t) => {
  const cos = await startCos(t)
  const { uploadId } = right(await create(cos.client())())
  t.match(cos.operations(), ['CreateMultipartUpload'])
  t.match(uploadId, /./)
})

t.test('if the signal has already fired, no upload is created', async (t) => {
  const cos = await startCos(t)
  const created = withSignal(AbortSignal.abort())(create)
  t.match(left(await created(cos.client())()), { _tag: 'Aborted' })
  t.same(cos.operations(), [])
})

t.test('an abort during the creation settles at once, and the created upload is aborted', async (t) => {
  const file = join(t.testdir({}), 'file')
  await writeFile(file, body)
  const small = { partSize: MiB, threshold: 0 }
  const transfers: Readonly<Record<string, CosEffect<unknown>>> = {
    uploadFile: uploadFile({ ...at, ...small, file }),
    'uploadFile, kept': uploadFile({ ...at, ...small, file, onFailure: 'keep' }),
    uploadStream: uploadStream({ ...at, ...small })(from(body)),
    copy: copy({ ...at, ...small, copySource: source })
  }
  for (const [name, transfer] of Object.entries(transfers)) {
    // The upload is created before its response is delayed.
    let isAsked = false
    const cos = await startCos(t, {
      fault: ({ operation }) => {
        if (operation !== 'CreateMultipartUpload') return undefined
        isAsked = true
        return { delay: 300 }
      }
    })
    right(await send(putObject({ bucket, key: source.key, body }))(cos.client())())
    const controller = new AbortController()
    const running = withSignal(controller.signal)(transfer)(cos.client())()
    await waitFor(() => isAsked)
    controller.abort()
    t.ok(await settlesWithin(50, running), name)
    t.match(left(await running), { _tag: 'Aborted', context: { mayHaveUnknownUpload: true } }, name)
    await waitFor(() => cos.operations().includes('AbortMultipartUpload'))
    t.match(cos.emulator.requests().at(-1), { operation: 'AbortMultipartUpload', status: 204 }, name)
    t.notOk(cos.operations().includes('UploadPart'), name)
  }
})
