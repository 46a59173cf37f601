import { createHash } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { getObject, type GetObjectInput } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { putObject, type PutObjectInput } from '../../../lib/operations/put-object.js'
import { createProgressWith } from '../../../lib/stages/progress.js'
import { copy, type CopyInput } from '../../../lib/transfers/copy/copy.js'
import { getObjectTagging } from '../../../lib/transfers/copy/get-object-tagging.js'
import { streamMultipartUploads } from '../../../lib/transfers/list/stream-multipart-uploads.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const elsewhere = 'otherbucket-1250000000'
const from = { bucket: elsewhere, key: 'from/here & there.bin' }
const copySource = { ...from, region: 'ap-shanghai' }
const to = { bucket, key: 'to/there.bin', copySource }
/** Three parts and a bit. */
const bytes = bytesOf(3 * MiB + 17)
const inParts = { threshold: MiB, partSize: MiB }

const metadataOfSource = {
  contentType: 'text/x-spec',
  cacheControl: 'max-age=7',
  contentDisposition: 'attachment; filename="caf\u00e9"',
  contentEncoding: 'identity',
  contentLanguage: 'fr',
  expires: 'never',
  metadata: { colour: 'red', 'a-b': 'caf\u00e9' }
}

type Teardown = Parameters<typeof startCos>[0]

const startWithSource = async (
  t: Teardown,
  options: EmulatorOptions = {},
  put: Partial<PutObjectInput> = {}
): Promise<Cos> => {
  const cos = await startCos(t, { buckets: [bucket, elsewhere], ...options })
  right(await send(putObject({ ...from, body: bytes, ...metadataOfSource, ...put }))(cos.client())())
  return cos
}

const readStored = async (cos: Cos, input: GetObjectInput): Promise<Buffer> => {
  const { body } = right(await send(getObject(input))(cos.client())())
  return Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>)
}

const headOf = async (cos: Cos) =>
  right(await send(headObject({ bucket: to.bucket, key: to.key }))(cos.client())())

const only = (cos: Cos, operation: string) =>
  cos.emulator.requests().filter((request) => request.operation === operation)

const listUploads = async (cos: Cos) =>
  right(await collect(streamMultipartUploads({ bucket }))(cos.client())())

t.test('copy sends one request pinned to the ETag of the source, and compares the checksums', async (t) => {
  const cos = await startWithSource(t)
  const sum = await crc64(bytes)
  const copied = right(await copy(to)(cos.client())())
  t.match(copied, {
    bucket: to.bucket,
    key: to.key,
    size: bytes.length,
    parts: 1,
    multipart: false,
    crc64: O.some(sum),
    integrity: { _tag: 'Verified', crc64: sum },
    source: { size: bytes.length, contentType: O.some('text/x-spec') }
  })
  t.same(cos.operations(), ['PutObject', 'HeadObject', 'CopyObject'])
  t.match(only(cos, 'CopyObject')[0]?.headers, {
    'x-cos-copy-source': `${elsewhere}.cos.ap-shanghai.myqcloud.com/from/here%20%26%20there.bin`,
    'x-cos-copy-source-if-match': copied.source.etag
  })
  t.ok(bytes.equals(await readStored(cos, { bucket: to.bucket, key: to.key })))
  t.equal((await headOf(cos)).etag, copied.etag)
})

t.test('the HEAD goes to the region of the source, and the copy to that of the client', async (t) => {
  const cos = await startWithSource(t)
  right(await copy({ ...to, ...inParts })(cos.client())())
  const hosts = (operation: string) => new Set(only(cos, operation).map(({ headers }) => headers['host']))
  t.same(hosts('HeadObject'), new Set([`${elsewhere}.cos.ap-shanghai.myqcloud.com`]))
  t.same(hosts('UploadPartCopy'), new Set([`${bucket}.cos.ap-guangzhou.myqcloud.com`]))
})

t.test('a source above the threshold is copied in parts, with its metadata', async (t) => {
  const cos = await startWithSource(t)
  const sum = await crc64(bytes)
  const copied = right(
    await copy({ ...to, ...inParts, storageClass: 'STANDARD_IA', acl: 'public-read' })(cos.client())()
  )
  t.match(copied, { parts: 4, size: bytes.length, integrity: { _tag: 'Verified', crc64: sum } })
  t.ok(bytes.equals(await readStored(cos, { bucket: to.bucket, key: to.key })))
  const { expires, ...others } = metadataOfSource
  t.match(await headOf(cos), {
    storageClass: 'STANDARD_IA',
    contentType: O.some(others.contentType),
    cacheControl: O.some(others.cacheControl),
    contentDisposition: O.some(others.contentDisposition),
    contentEncoding: O.some(others.contentEncoding),
    contentLanguage: O.some(others.contentLanguage),
    expires: O.some(expires),
    metadata: metadataOfSource.metadata
  })
  t.match(
    only(cos, 'UploadPartCopy')
      .map(({ headers }) => headers['x-cos-copy-source-range'])
      .sort(),
    ['bytes=0-1048575', 'bytes=1048576-2097151', 'bytes=2097152-3145727', 'bytes=3145728-3145744']
  )
  t.same(
    new Set(only(cos, 'UploadPartCopy').map(({ headers }) => headers['x-cos-copy-source-if-match'])),
    new Set([copied.source.etag])
  )
})

t.test(
  'in one request and in parts, Copy takes the metadata of the source, and Replaced that of the input',
  async (t) => {
    const cos = await startWithSource(t)
    for (const way of [{}, inParts]) {
      right(await copy({ ...to, ...way, copyStatus: 'Copy' })(cos.client())())
      t.match(await headOf(cos), { contentType: O.some('text/x-spec'), metadata: metadataOfSource.metadata })

      right(
        await copy({ ...to, ...way, copyStatus: 'Replaced', contentType: 'text/new', metadata: { b: '2' } })(
          cos.client()
        )()
      )
      const head = await headOf(cos)
      t.same(
        [head.contentType, head.cacheControl, head.expires],
        [O.some('text/new'), O.none, O.none],
        JSON.stringify(way)
      )
      t.same(head.metadata, { b: '2' })
    }
  }
)

t.test('a header of the input overrides a header of the source', async (t) => {
  const cos = await startWithSource(t)
  right(
    await copy({ ...to, ...inParts, headers: { 'cache-control': 'no-store', 'x-cos-meta-colour': 'blue' } })(
      cos.client()
    )()
  )
  t.match(await headOf(cos), {
    cacheControl: O.some('no-store'),
    contentType: O.some('text/x-spec'),
    metadata: { colour: 'blue' }
  })
})

t.test('if COS responds EntityTooLarge, the source is copied in parts', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([{ operation: 'CopyObject', fault: { response: { status: 400, code: 'EntityTooLarge' } } }])
  })
  const copied = right(await copy({ ...to, partSize: 2 * MiB })(cos.client())())
  t.match(copied, { parts: 2, integrity: { _tag: 'Verified' } })
  t.equal(only(cos, 'CopyObject').length, 1)
  t.ok(bytes.equals(await readStored(cos, { bucket: to.bucket, key: to.key })))
})

t.test('an empty object is copied by one request, never in parts', async (t) => {
  const cos = await startWithSource(t, {}, { body: '' })
  t.match(right(await copy({ ...to, threshold: 0 })(cos.client())()), {
    size: 0,
    parts: 1,
    multipart: false,
    integrity: { _tag: 'Verified', crc64: 0n }
  })
})

t.test('a copy with an error inside a 200 is retried', async (t) => {
  const broken = { error: { code: 'InternalError' } }
  const cos = await startWithSource(t, {
    fault: script([
      { operation: 'CopyObject', times: 2, fault: broken },
      { operation: 'UploadPartCopy', query: { partNumber: '2' }, times: 2, fault: broken },
      { operation: 'CompleteMultipartUpload', times: 1, fault: broken }
    ])
  })
  t.equal(right(await copy(to)(cos.client())()).integrity._tag, 'Verified')
  t.equal(only(cos, 'CopyObject').length, 3)
  t.equal(right(await copy({ ...to, ...inParts })(cos.client())()).integrity._tag, 'Verified')
  t.equal(only(cos, 'UploadPartCopy').length, 6)
  t.ok(bytes.equals(await readStored(cos, { bucket: to.bucket, key: to.key })))
})

t.test('a source that is replaced meanwhile is ObjectChanged, and the parts are deleted', async (t) => {
  const large = bytesOf(8 * MiB)
  let replaced: Promise<unknown> | undefined
  const cos = await startWithSource(
    t,
    {
      // Time for a write meanwhile.
      fault: script([{ operation: 'UploadPartCopy', fault: { delay: 25 } }]),
      onRequest: ({ operation }) => {
        if (operation === 'UploadPartCopy')
          replaced ??= send(putObject({ ...from, body: 'another' }))(cos.client())()
      }
    },
    { body: large }
  )
  const error = left(await copy({ ...to, ...inParts, concurrency: 1 })(cos.client())())
  t.match(error, { _tag: 'ObjectChanged', expected: /^"/ })
  t.notOk(error.context.uploadId)
  await replaced
  t.same(await listUploads(cos), [])
  t.match(left(await send(headObject({ bucket: to.bucket, key: to.key }))(cos.client())()), { status: 404 })
})

t.test('a source that is deleted between HEAD and copy is ObjectChanged', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([
      { operation: 'CopyObject', fault: { response: { status: 404, code: 'NoSuchKey' } } },
      { operation: 'UploadPartCopy', fault: { response: { status: 404, code: 'NoSuchCopySource' } } }
    ])
  })
  t.match(left(await copy(to)(cos.client())()), { _tag: 'ObjectChanged' })
  t.match(left(await copy({ ...to, ...inParts })(cos.client())()), { _tag: 'ObjectChanged' })
  t.same(await listUploads(cos), [])
})

t.test('the version that the HEAD found is copied, even if the key is overwritten meanwhile', async (t) => {
  const large = bytesOf(8 * MiB)
  let replaced: Promise<unknown> | undefined
  const cos = await startWithSource(
    t,
    {
      buckets: [bucket, { name: elsewhere, versioning: 'Enabled' }],
      // Time for a write meanwhile.
      fault: script([{ operation: 'UploadPartCopy', fault: { delay: 25 } }]),
      onRequest: ({ operation }) => {
        if (operation === 'UploadPartCopy')
          replaced ??= send(putObject({ ...from, body: 'another' }))(cos.client())()
      }
    },
    { body: large }
  )
  const copied = right(await copy({ ...to, ...inParts, concurrency: 1 })(cos.client())())
  right((await replaced) as never)
  t.equal(copied.integrity._tag, 'Verified')
  t.ok(large.equals(await readStored(cos, { bucket: to.bucket, key: to.key })))

  const { versionId } = copied.source
  const old = right(
    await copy({
      ...to,
      copySource: { ...copySource, ...(O.isSome(versionId) ? { versionId: versionId.value } : {}) }
    })(cos.client())()
  )
  t.equal(old.size, large.length)
  t.equal(right(await copy(to)(cos.client())()).size, 'another'.length)
})

t.test('a copy that differs from the source is an IntegrityError', async (t) => {
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
  const copied = (sum: string) => ({
    response: {
      when: 'performed' as const,
      status: 200,
      body: `<CopyObjectResult><ETag>${etag}</ETag>${sum}<LastModified>2024-05-02T09:30:11Z</LastModified></CopyObjectResult>`
    }
  })
  const cos = await startWithSource(t, {
    fault: script([
      { operation: 'CopyObject', times: 1, fault: copied('<CRC64>17</CRC64>') },
      { operation: 'CopyObject', times: 1, fault: copied('') },
      {
        operation: 'CompleteMultipartUpload',
        times: 1,
        fault: { headers: { 'x-cos-hash-crc64ecma': '17' } }
      }
    ])
  })
  const mismatch = { _tag: 'IntegrityError', check: 'crc64', expected: String(await crc64(bytes)), got: '17' }
  t.match(left(await copy(to)(cos.client())()), mismatch)

  t.equal(right(await copy(to)(cos.client())()).integrity._tag, 'Verified', 'no checksum in the response')
  t.same(cos.operations().slice(-3), ['HeadObject', 'CopyObject', 'HeadObject'])

  t.match(left(await copy({ ...to, ...inParts })(cos.client())()), mismatch)
})

t.test('without a checksum of the source the result is Unverifiable', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([{ operation: 'HeadObject', fault: { headers: { 'x-cos-hash-crc64ecma': null } } }])
  })
  for (const way of [{}, inParts]) {
    const copied = right(await copy({ ...to, ...way })(cos.client())())
    t.same(copied.integrity, { _tag: 'Unverifiable', reason: 'NoChecksum', crc64: O.none })
  }
})

t.test("the customer's keys of source and copy are sent with every request", async (t) => {
  const sourceKey = { type: 'C', key: Buffer.alloc(32, 1) } as const
  const ownKey = { type: 'C', key: Buffer.alloc(32, 2) } as const
  const cos = await startWithSource(t, {}, { sse: sourceKey })
  for (const way of [{}, inParts]) {
    const copied = right(await copy({ ...to, ...way, copySourceSse: sourceKey, sse: ownKey })(cos.client())())
    t.equal(copied.integrity._tag, 'Verified')
    t.ok(bytes.equals(await readStored(cos, { bucket: to.bucket, key: to.key, sse: ownKey })))
  }
  t.match(left(await copy({ ...to, sse: ownKey })(cos.client())()), {
    _tag: 'ServiceError',
    status: 400,
    context: { operation: 'HeadObject', bucket: elsewhere }
  })
})

t.test('conditions are checked once, by the HEAD of the source', async (t) => {
  const cos = await startWithSource(t)
  for (const [wrong, status] of [
    [{ copySourceIfMatch: 'other' }, 412],
    [{ copySourceIfUnmodifiedSince: new Date(0) }, 412],
    [{ copySourceIfModifiedSince: new Date(Date.now() + 60_000) }, 304]
  ] as const) {
    for (const way of [{}, inParts]) {
      t.match(left(await copy({ ...to, ...way, ...wrong })(cos.client())()), { _tag: 'ServiceError', status })
    }
  }
  const way = { copySourceIfModifiedSince: new Date(0), copySourceIfNoneMatch: '"other"' }
  right(await copy({ ...to, ...inParts, ...way })(cos.client())())
})

t.test('a signal settles a copy at once, and its upload is aborted', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([{ operation: 'UploadPartCopy', skip: 1, fault: { delay: 60_000 } }])
  })
  const controller = new AbortController()
  const result = pipe(copy({ ...to, ...inParts }), withSignal(controller.signal))(cos.client())()
  await waitFor(() => only(cos, 'UploadPartCopy').length >= 2)
  controller.abort('enough')
  t.ok(await settlesWithin(50, result))
  t.match(left(await result), { _tag: 'Aborted', reason: 'enough', context: { operation: 'copy' } })
  t.ok(await becomesTrue(() => cos.operations().includes('AbortMultipartUpload')))
  t.ok(await becomesTrue(async () => (await listUploads(cos)).length === 0))
})

t.test('a part that fails permanently ends the other parts, and the upload is aborted', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([
      {
        operation: 'UploadPartCopy',
        query: { partNumber: '3' },
        fault: { response: { status: 403, code: 'AccessDenied' } }
      }
    ])
  })
  const error = left(await copy({ ...to, ...inParts })(cos.client())())
  t.match(error, { _tag: 'ServiceError', code: 'AccessDenied', context: { operation: 'UploadPartCopy' } })
  t.notOk(error.context.uploadId)
  t.same(await listUploads(cos), [])
})

t.test(
  'a completion whose response was lost succeeds, because the object has the CRC64 of the parts',
  async (t) => {
    const cos = await startWithSource(t, {
      fault: script([{ operation: 'CompleteMultipartUpload', times: 1, fault: { cut: { at: 'head' } } }])
    })
    t.match(right(await copy({ ...to, ...inParts })(cos.client())()), { integrity: { _tag: 'Verified' } })
  }
)

t.test('the progress of a copy counts its bytes and ends with it', async (t) => {
  const cos = await startWithSource(t)
  for (const [way, parts] of [
    [{}, 1],
    [inParts, 4]
  ] as const) {
    const progress = createProgressWith({ total: O.some(bytes.length), clock: () => performance.now() })
    right(await copy({ ...to, ...way, progress })(cos.client())())
    const seen = []
    for await (const snapshot of progress) seen.push(snapshot)
    t.match(seen.at(-1), { transferred: bytes.length, parts: { inFlight: 0, done: parts } })
  }
})

t.test('an object is copied onto itself only with copyStatus Replaced', async (t) => {
  const cos = await startWithSource(t)
  const itself: CopyInput = { ...from, copySource }
  for (const key of [from.key, `/${from.key}`]) {
    t.match(left(await copy({ ...itself, key })(cos.client())()), {
      _tag: 'InvalidInput',
      field: 'copyStatus',
      context: { operation: 'copy' }
    })
  }
  for (const way of [{}, inParts]) {
    right(await copy({ ...itself, ...way, copyStatus: 'Replaced', contentType: 'text/new' })(cos.client())())
    const head = right(await send(headObject(from))(cos.client())())
    t.same([head.contentType, head.size], [O.some('text/new'), bytes.length])
  }
})

t.test('a missing source fails before an upload is created', async (t) => {
  const cos = await startCos(t, { buckets: [bucket, elsewhere] })
  t.match(left(await copy(to)(cos.client())()), {
    _tag: 'ServiceError',
    status: 404,
    context: { operation: 'HeadObject', bucket: elsewhere }
  })
  t.same(cos.operations(), ['HeadObject'])
})

t.test('an invalid input is an InvalidInput with its field, and nothing is sent', async (t) => {
  const cos = await startCos(t)
  for (const [field, wrong] of [
    ['key', { key: '' }],
    ['bucket', { bucket: 'nameless' }],
    ['copySource.region', { copySource: from }],
    ['copySource.key', { copySource: { ...copySource, key: '' } }],
    ['partSize', { partSize: 1000 }],
    ['concurrency', { concurrency: 0 }],
    ['threshold', { threshold: -1 }],
    ['progress', { progress: {} }],
    ['copyStatus', { contentType: 'text/plain' }],
    ['taggingDirective', { tagging: { a: 'b' } }],
    ['copystatus', { copystatus: 'Copy' }]
  ] as ReadonlyArray<readonly [string, object]>) {
    t.match(left(await copy({ ...to, ...wrong })(cos.client())()), {
      _tag: 'InvalidInput',
      field,
      context: { operation: 'copy' }
    })
  }
  t.equal(cos.operations().length, 0)
})

t.test('a copy in parts has the tags of the source, or those that are given', async (t) => {
  for (const [input, tags] of [
    [{}, { keep: 'yes', 'a b': '1/2' }],
    [{ tagging: { other: 'x' }, taggingDirective: 'Replaced' as const }, { other: 'x' }],
    [{ taggingDirective: 'Replaced' as const }, {}]
  ] as const) {
    const cos = await startWithSource(t)
    const client = cos.client()
    right(await send(putObject({ ...from, body: bytes, tagging: { keep: 'yes', 'a b': '1/2' } }))(client)())
    const copied = right(await copy({ ...to, ...inParts, ...input })(client)())
    t.same(copied.notCopied, [])
    t.same(right(await send(getObjectTagging({ bucket: to.bucket, key: to.key }))(client)()), tags)
  }
})

t.test('a copy in parts without permission to read the tags has notCopied: tags', async (t) => {
  const cos = await startWithSource(t, {
    fault: ({ operation }) =>
      operation === 'GetObjectTagging' ? { response: { status: 403, code: 'AccessDenied' } } : undefined
  })
  const client = cos.client()
  right(await send(putObject({ ...from, body: bytes, tagging: { keep: 'yes' } }))(client)())
  t.same(right(await copy({ ...to, ...inParts })(client)()).notCopied, ['tags'])
})

t.test('the result has the date of a copy in one request, and the location of a copy in parts', async (t) => {
  const cos = await startWithSource(t)
  const whole = right(await copy(to)(cos.client())())
  t.ok(O.isSome(whole.lastModified))
  t.equal(whole.location, O.none)
  const parts = right(await copy({ ...to, ...inParts })(cos.client())())
  t.ok(O.isSome(parts.location))
})

t.test(
  'forbidOverwrite: a copy whose first response was lost succeeds, in one request and in parts',
  async (t) => {
    for (const [operation, input] of [
      ['CopyObject', {}],
      ['CompleteMultipartUpload', inParts]
    ] as const) {
      const cos = await startWithSource(t, {
        fault: script([{ operation, times: 1, fault: { cut: { at: 'head' }, reset: true } }])
      })
      const copied = right(await copy({ ...to, ...input, forbidOverwrite: true })(cos.client())())
      t.equal(copied.integrity._tag, 'Verified')
      t.equal(only(cos, operation).length, 2)
    }
  }
)

t.test('forbidOverwrite: an object that is not the copy is a 409', async (t) => {
  const cos = await startWithSource(t)
  right(await send(putObject({ bucket: to.bucket, key: to.key, body: 'another' }))(cos.client())())
  t.match(left(await copy({ ...to, forbidOverwrite: true })(cos.client())()), { status: 409 })
})
