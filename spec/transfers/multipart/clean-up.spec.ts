import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Context } from '../../../lib/core/error.js'
import type { Client } from '../../../lib/client/client.js'
import { withSignal, withTimeout } from '../../../lib/client/combinators.js'
import { send, type CosEffect } from '../../../lib/client/send.js'
import { script } from '../../../lib/emulator/index.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { copy } from '../../../lib/transfers/copy/copy.js'
import { move } from '../../../lib/transfers/copy/move.js'
import { uploadDirectory } from '../../../lib/transfers/directory/upload-directory.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { streamMultipartUploads } from '../../../lib/transfers/list/stream-multipart-uploads.js'
import { copyPrefix } from '../../../lib/transfers/prefix/copy-prefix.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { createUploadStream } from '../../../lib/transfers/upload/create-upload-stream.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { uploadStream } from '../../../lib/transfers/upload/upload-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos } from '../../support/cos.js'
import { aes } from '../../support/encryption.js'
import { from } from '../../support/iterables.js'
import { namedInContext } from '../../support/named-uploads.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'
import { waitFor } from '../../support/wait-for.js'

const MiB = 1024 * 1024
const body = bytesOf(2 * MiB + 5)
const at = { bucket, key: 'a' }
const parts = { partSize: MiB, threshold: 0 } as const
const region = 'ap-guangzhou'

const openUploads = async (client: Client): Promise<ReadonlyArray<string>> =>
  right(await collect(streamMultipartUploads({ bucket }))(client)()).map(({ uploadId }) => uploadId)

const writeToStream =
  (client: Client, signal: AbortSignal): CosEffect<unknown> =>
  () => {
    const stream = createUploadStream(client)({ ...at, ...parts })
    signal.addEventListener('abort', () => stream.destroy())
    stream.write(body)
    return stream.uploaded
  }

t.test('an aborted transfer names each upload that it could not delete, with bucket and key', async (t) => {
  const directory = t.testdir({})
  await mkdir(join(directory, 'files'))
  for (const name of ['a', 'b']) await writeFile(join(directory, 'files', name), body)
  const file = join(directory, 'files', 'a')
  const copySource = { bucket, region, key: 'from/a' }
  const vault = encrypted(aes)
  const plain = { ...at, ...parts, checkpoint: false } as const
  const files = {
    bucket,
    prefix: 'to/',
    directory: join(directory, 'files'),
    ...parts,
    checkpoint: false
  } as const
  const transfers: Readonly<Record<string, (client: Client, signal: AbortSignal) => CosEffect<unknown>>> = {
    uploadStream: () => uploadStream({ ...at, ...parts })(from(body)),
    uploadFile: () => uploadFile({ ...plain, file }),
    createUploadStream: writeToStream,
    copy: () => copy({ ...at, ...parts, copySource }),
    move: () => move({ ...at, ...parts, copySource }),
    'encrypted uploadStream': () => vault.uploadStream({ ...at, ...parts })(from(body)),
    'encrypted uploadFile': () => vault.uploadFile({ ...plain, file }),
    uploadDirectory: () => collect(uploadDirectory(files)),
    'encrypted uploadDirectory': () => collect(vault.uploadDirectory(files)),
    copyPrefix: () =>
      collect(
        copyPrefix({ bucket, prefix: 'to/', ...parts, copySource: { bucket, region, prefix: 'from/' } })
      )
  }
  for (const [name, start] of Object.entries(transfers)) {
    const sent = new Set<string>()
    const cos = await startCos(t, {
      fault: ({ operation, key }) => {
        if (operation === 'AbortMultipartUpload') return { response: { status: 403, code: 'AccessDenied' } }
        if (!/^UploadPart/.test(operation)) return undefined
        sent.add(key)
        return { delay: 60_000 }
      }
    })
    const client = cos.client()
    for (const key of ['from/a', 'from/b']) right(await send(putObject({ bucket, key, body }))(client)())
    const isMany = /Directory|Prefix/.test(name)
    const controller = new AbortController()
    const running = withSignal(controller.signal)(start(client, controller.signal))(client)()
    await waitFor(() => sent.size === (isMany ? 2 : 1))
    controller.abort()
    t.ok(await settlesWithin(50, running), name)
    const { _tag, context } = left(await running)
    t.equal(_tag, 'Aborted', name)
    const open = await openUploads(client)
    t.equal(open.length, isMany ? 2 : 1, name)
    t.same(namedInContext(context).toSorted(), open.toSorted(), name)
    const each: ReadonlyArray<Context> = isMany ? (context.interrupted ?? []) : [context]
    const keys = each.map(({ key }) => O.toUndefined(key)).toSorted()
    t.same(keys, isMany ? ['to/a', 'to/b'] : ['a'], name)
    t.ok(
      each.every((of) => of.bucket === bucket),
      name
    )
  }
})

t.test('a transfer that withTimeout ends names its upload if the deletion has no response yet', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) =>
      operation === 'UploadPart' || operation === 'AbortMultipartUpload' ? { delay: 60_000 } : undefined
  })
  const error = left(await withTimeout(100)(uploadStream({ ...at, ...parts })(from(body)))(cos.client())())
  t.match(error, { _tag: 'Timeout', phase: 'overall', context: { uploadId: /./ } })
})

t.test('if the search for orphaned uploads fails, the error says that there may be one', async (t) => {
  const lose = script([{ operation: 'CreateMultipartUpload', times: 1, fault: { cut: { at: 'head' } } }])
  const cos = await startCos(t, {
    fault: (request) =>
      /^UploadPart|^ListMultipartUploads/.test(request.operation)
        ? { response: { status: 403, code: 'AccessDenied' } }
        : lose(request)
  })
  const error = left(await uploadStream({ ...at, ...parts })(from(body))(cos.client())())
  t.match(error, { code: 'AccessDenied', context: { mayHaveUnknownUpload: true } })
  t.notOk(error.context.uploadId)
})

t.test(
  'an abort during the search for orphaned uploads deletes the created upload, and names it',
  async (t) => {
    const lose = script([{ operation: 'CreateMultipartUpload', times: 1, fault: { cut: { at: 'head' } } }])
    let isSearching = false
    const cos = await startCos(t, {
      fault: (request) => {
        if (request.operation !== 'ListMultipartUploads') return lose(request)
        isSearching = true
        return { delay: 60_000 }
      }
    })
    const controller = new AbortController()
    const running = pipe(
      uploadStream({ ...at, ...parts })(from(body)),
      withSignal(controller.signal)
    )(cos.client())()
    await waitFor(() => isSearching)
    controller.abort()
    t.ok(await settlesWithin(50, running))
    t.match(left(await running), { _tag: 'Aborted', context: { uploadId: /./, mayHaveUnknownUpload: true } })
    await waitFor(() => cos.operations().includes('AbortMultipartUpload'))
    t.notOk(cos.operations().includes('UploadPart'))
  }
)
