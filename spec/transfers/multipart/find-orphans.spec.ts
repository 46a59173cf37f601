import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { send, type CosEffect } from '../../../lib/client/send.js'
import { script } from '../../../lib/emulator/index.js'
import { createMultipartUpload } from '../../../lib/operations/create-multipart-upload.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { uploadPart } from '../../../lib/operations/upload-part.js'
import { copy } from '../../../lib/transfers/copy/copy.js'
import { streamMultipartUploads } from '../../../lib/transfers/list/stream-multipart-uploads.js'
import { findOrphans } from '../../../lib/transfers/multipart/find-orphans.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { uploadFile } from '../../../lib/transfers/upload/upload-file.js'
import { uploadStream } from '../../../lib/transfers/upload/upload-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos } from '../../support/cos.js'
import { from } from '../../support/iterables.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const bytes = bytesOf(2 * MiB + 5)
const at = { bucket, key: 'a' }
const parts = { partSize: MiB, threshold: 0 } as const

const openUploads = async (client: Client): Promise<ReadonlyArray<string>> =>
  right(await collect(streamMultipartUploads({ bucket }))(client)()).map(({ uploadId }) => uploadId)

/** The response to the first creation is lost, and the upload exists. */
const loseFirst = () =>
  script([{ operation: 'CreateMultipartUpload', times: 1, fault: { cut: { at: 'head' } } }])

t.test('an upload whose creation lost its response is named in the result, and not aborted', async (t) => {
  const source = t.testdir({ a: bytes })
  const region = 'ap-guangzhou'
  const transfers: Readonly<
    Record<string, () => CosEffect<{ readonly orphanedUploads: ReadonlyArray<string> }>>
  > = {
    uploadStream: () => uploadStream({ ...at, ...parts })(from(bytes)),
    uploadFile: () => uploadFile({ ...at, ...parts, file: `${source}/a`, checkpoint: false }),
    copy: () => copy({ ...at, ...parts, copySource: { bucket, region, key: 'source' } })
  }
  for (const [name, start] of Object.entries(transfers)) {
    const cos = await startCos(t, { fault: loseFirst() })
    const client = cos.client()
    right(await send(putObject({ bucket, key: 'source', body: bytes }))(client)())
    const { orphanedUploads } = right(await start()(client)())
    t.equal(orphanedUploads.length, 1, name)
    t.same(await openUploads(client), orphanedUploads, name)
  }
})

t.test(
  "with onOrphanedUpload: 'abort', they are aborted, and those that cannot be aborted are named",
  async (t) => {
    const auto = { ...at, ...parts, onOrphanedUpload: 'abort' } as const
    const cos = await startCos(t, { fault: loseFirst() })
    const client = cos.client()
    t.same(right(await uploadStream(auto)(from(bytes))(client)()).orphanedUploads, [])
    t.same(await openUploads(client), [])

    const lose = loseFirst()
    const refusesAborts = await startCos(t, {
      fault: (request) =>
        request.operation === 'AbortMultipartUpload'
          ? { response: { status: 403, code: 'AccessDenied' } }
          : lose(request)
    })
    const { orphanedUploads } = right(await uploadStream(auto)(from(bytes))(refusesAborts.client())())
    t.equal(orphanedUploads.length, 1)
    t.same(await openUploads(refusesAborts.client()), orphanedUploads)

    const all = await startCos(t, {
      fault: ({ operation }) => (operation === 'CreateMultipartUpload' ? { cut: { at: 'head' } } : undefined)
    })
    const failing = all.client({ retry: { attempts: 2, base: 1 } })
    t.same(left(await uploadStream(auto)(from(bytes))(failing)()).context.orphanedUploads, undefined)
    t.same(await openUploads(failing), [])
  }
)

t.test('if every response is lost, the error names all uploads that may have been created', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation }) => (operation === 'CreateMultipartUpload' ? { cut: { at: 'head' } } : undefined)
  })
  const client = cos.client({ retry: { attempts: 2, base: 1 } })
  const error = left(await uploadStream({ ...at, ...parts })(from(bytes))(client)())
  t.match(error, { _tag: 'TransportError', context: { attempts: 2 } })
  t.same(error.context.orphanedUploads?.toSorted(), (await openUploads(client)).toSorted())
  t.equal(error.context.orphanedUploads?.length, 2)
})

t.test('a transfer that fails after such a creation names the upload in its error', async (t) => {
  const source = t.testdir({ a: bytes })
  const transfers: Readonly<Record<string, () => CosEffect<unknown>>> = {
    uploadStream: () => uploadStream({ ...at, ...parts })(from(bytes)),
    uploadFile: () =>
      uploadFile({ ...at, ...parts, file: `${source}/a`, checkpoint: false, onFailure: 'abort' }),
    copy: () => copy({ ...at, ...parts, copySource: { bucket, region: 'ap-guangzhou', key: 'source' } })
  }
  for (const [name, start] of Object.entries(transfers)) {
    const lose = loseFirst()
    const cos = await startCos(t, {
      fault: (request) =>
        /^UploadPart/.test(request.operation)
          ? { response: { status: 403, code: 'AccessDenied' } }
          : lose(request)
    })
    const client = cos.client()
    right(await send(putObject({ bucket, key: 'source', body: bytes }))(client)())
    const error = left(await start()(client)())
    t.match(error, { _tag: 'ServiceError', code: 'AccessDenied' }, name)
    t.equal(error.context.orphanedUploads?.length, 1, name)
    t.same(await openUploads(client), error.context.orphanedUploads, name)
  }
})

t.test('nothing is listed if no response was lost, and a failed search is no failure', async (t) => {
  const cos = await startCos(t)
  const result = right(await uploadStream({ ...at, ...parts })(from(bytes))(cos.client())())
  t.same(result.orphanedUploads, [])
  t.notOk(cos.operations().includes('ListMultipartUploads'))

  const lose = loseFirst()
  const refusesListing = await startCos(t, {
    fault: (request) =>
      request.operation === 'ListMultipartUploads'
        ? { response: { status: 403, code: 'AccessDenied' } }
        : lose(request)
  })
  t.same(
    right(await uploadStream({ ...at, ...parts })(from(bytes))(refusesListing.client())()).orphanedUploads,
    []
  )
})

t.test('findOrphans finds uploads of exactly this key, young and without parts', async (t) => {
  let now = Date.now() - 3_600_000
  const cos = await startCos(t, { now: () => now })
  const client = cos.client()
  const create = async (key: string): Promise<string> =>
    right(await send(createMultipartUpload({ bucket, key }))(client)()).uploadId
  const old = await create('a')
  now += 3_600_000
  const [ours, orphan, filled] = [await create('a'), await create('a'), await create('a')]
  await create('ab')
  right(await send(uploadPart({ ...at, uploadId: filled, partNumber: 1, body: 'x' }))(client)())
  t.same(await findOrphans(at, 1000, ours)(client)(), O.some([orphan]))
  t.not(old, orphan)
  t.same(await findOrphans({ bucket, key: 'nothing' }, 1000)(client)(), O.some([]))
})
