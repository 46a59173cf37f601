import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { send } from '../../../lib/client/send.js'
import { createMultipartUpload } from '../../../lib/operations/create-multipart-upload.js'
import { uploadPart } from '../../../lib/operations/upload-part.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { streamMultipartUploads } from '../../../lib/transfers/list/stream-multipart-uploads.js'
import {
  abortIncompleteUploads,
  type AbortIncompleteUploadsInput
} from '../../../lib/transfers/multipart/abort-incomplete-uploads.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { startServer } from '../../support/server.js'
import { left, right } from '../../support/server.js'

const hour = 3_600_000
const keys = ['a/1', 'a/1', 'a/&\u0001', '/a', 'b']

/** Uploads created two hours ago, and one of `b` created just now. */
const startWithUploads = async (
  t: Parameters<typeof startCos>[0],
  options: EmulatorOptions = {}
): Promise<Cos> => {
  let now = Date.now() - 2 * hour
  const cos = await startCos(t, { now: () => now, ...options })
  const old = cos.client()
  old.clock.set(now)
  const begin = async (key: string): Promise<void> => {
    const at = { bucket, key: key.startsWith('/') ? `/${key}` : key }
    const { uploadId } = right(await send(createMultipartUpload(at))(old)())
    right(await send(uploadPart({ ...at, uploadId, partNumber: 1, body: 'x' }))(old)())
  }
  for (const key of keys) await begin(key)
  now = Date.now()
  old.clock.set(now)
  await begin('b')
  return cos
}

const listUploadKeys = async (cos: Cos): Promise<ReadonlyArray<string>> =>
  right(await collect(streamMultipartUploads({ bucket }))(cos.client())()).map(({ key }) => key)

const sweep = async (cos: Cos, input: Omit<AbortIncompleteUploadsInput, 'bucket'>) =>
  right(await collect(abortIncompleteUploads({ bucket, ...input }))(cos.client())())

t.test('uploads older than the given age are aborted, and no others', async (t) => {
  const cos = await startWithUploads(t)
  t.same(await sweep(cos, { olderThan: 3 * hour }), [])
  const swept = await sweep(cos, { olderThan: hour })
  t.same(swept.map(({ key }) => key).sort(), [...keys].sort())
  for (const one of swept) t.match(one, { _tag: 'Aborted', uploadId: /\w/, initiated: Date })
  t.same(await listUploadKeys(cos), ['b'])
})

t.test('the age may be a date, and a prefix limits the uploads', async (t) => {
  const cos = await startWithUploads(t)
  t.equal((await sweep(cos, { olderThan: new Date(Date.now() - hour), prefix: 'a/' })).length, 3)
  t.same(await listUploadKeys(cos), ['/a', 'b', 'b'])
  await setTimeout(5)
  t.equal((await sweep(cos, { olderThan: new Date(Date.now() + hour) })).length, 3)
})

t.test('a dry run reports the uploads and does not abort them', async (t) => {
  const cos = await startWithUploads(t)
  const swept = await sweep(cos, { olderThan: hour, dryRun: true })
  t.same(new Set(swept.map(({ _tag }) => _tag)), new Set(['Found']))
  t.equal(swept.length, keys.length)
  t.equal((await listUploadKeys(cos)).length, keys.length + 1)
  t.notOk(cos.operations().includes('AbortMultipartUpload'))
})

t.test('a failed abort yields Failed, and an upload that no longer exists is no failure', async (t) => {
  const fault = (status: number, code: string) => ({
    operation: 'AbortMultipartUpload',
    times: 1,
    fault: { response: { status, code } }
  })
  const cos = await startWithUploads(t, {
    fault: script([
      fault(403, 'AccessDenied'),
      fault(404, 'NoSuchUpload'),
      { operation: 'AbortMultipartUpload', times: 1, fault: { cut: { at: 'head' } } }
    ])
  })
  const swept = await sweep(cos, { olderThan: hour, concurrency: 1 })
  t.match(swept, [
    { _tag: 'Failed', key: '/a', error: { _tag: 'ServiceError', code: 'AccessDenied' } },
    { _tag: 'Gone' },
    // The response of the first attempt was lost, and the second found no upload.
    { _tag: 'Aborted' },
    { _tag: 'Aborted' },
    { _tag: 'Aborted' }
  ])
})

t.test('an upload whose date cannot be read is reported, and not aborted', async (t) => {
  const server = await startServer(t, (_seen, response) => {
    response.end(`<ListMultipartUploadsResult><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated>
      <Upload><Key>a</Key><UploadId>u</UploadId><Initiated>yesterday</Initiated></Upload>
    </ListMultipartUploadsResult>`)
  })
  t.same(right(await collect(abortIncompleteUploads({ bucket, olderThan: 0 }))(server.client())()), [
    { _tag: 'Undated', key: 'a', uploadId: 'u', initiatedText: 'yesterday' }
  ])
  t.equal(server.received.length, 1)
})

t.test('an invalid input fails when the stream is read', async (t) => {
  const cos = await startCos(t)
  for (const [field, wrong] of [
    ['olderThan', { olderThan: -1 }],
    ['olderThan', { olderThan: new Date(Number.NaN) }],
    ['olderThan', {}],
    ['concurrency', { olderThan: 0, concurrency: 0 }]
  ] as ReadonlyArray<readonly [string, object]>) {
    const swept = collect(abortIncompleteUploads({ bucket, ...wrong } as AbortIncompleteUploadsInput))
    t.match(left(await swept(cos.client())()), { _tag: 'InvalidInput', field })
  }
  t.equal(cos.operations().length, 0)
})
