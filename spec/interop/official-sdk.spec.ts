/** Tencent's Node SDK, unmodified, against the emulator. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type COS from 'cos-nodejs-sdk-v5'
import t, { type Test } from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import type { Emulator, EmulatorOptions } from '../../lib/emulator/index.js'
import { startTestEmulator } from '../support/signed.js'
import { createSdk } from './create-sdk.js'

const mib = 1024 * 1024
const at = { Bucket: 'examplebucket-1250000000', Region: 'ap-guangzhou' }
const versioned = { Bucket: 'versioned-1250000000', Region: 'ap-guangzhou' }
const buckets = [at.Bucket, { name: versioned.Bucket, versioning: 'Enabled' as const }]

const bytes = (size: number): Buffer => {
  const out = Buffer.alloc(size)
  for (let n = 0; n < size; n += 1) out[n] = Math.imul(n, 2654435761) >>> 24
  return out
}
const quotedMd5 = (body: Buffer): string => `"${createHash('md5').update(body).digest('hex')}"`

/** Ways to direct the SDK to a port of this machine without modifying it. */
const ways: Readonly<Record<string, (emulator: Emulator) => COS.COSOptions>> = {
  'at an address under its own host names': ({ address }) => ({ Ip: address }),
  'through a proxy': ({ url }) => ({ Proxy: url }),
  'at a domain with the bucket in its path': ({ address }) => ({ Domain: `${address}/{Bucket}` })
}

/** Narrows `void & Promise<A>`, which the SDK declares for some calls. */
const narrow = <A>(call: Promise<A>): Promise<A> => call

const start = async (
  t: Test,
  options: EmulatorOptions = {},
  way = ways['at an address under its own host names']!
): Promise<{ readonly emulator: Emulator; readonly sdk: COS }> => {
  const emulator = await startTestEmulator(t, { buckets, ...options })
  return { emulator, sdk: createSdk(emulator.credentials, way(emulator)) }
}

/** The error that the SDK threw; undefined if it threw none. */
const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (thrown: unknown) => thrown
  )

for (const [name, way] of Object.entries(ways))
  t.test(`objects are uploaded and downloaded ${name}`, async (t) => {
    const { sdk } = await start(t, {}, way)
    for (const Key of ['dir/a.txt', "a b/c+d%20~!'()*&=?#腾😀", 'a//b', 'x/../y']) {
      const Body = Buffer.from(`of ${Key}`)
      const put = await sdk.putObject({
        ...at,
        Key,
        Body,
        'x-cos-meta-color': 'red',
        ContentType: 'text/plain'
      })
      t.equal(put.ETag, quotedMd5(Body), Key)
      t.equal(put.headers?.['x-cos-hash-crc64ecma'], String(await crc64(Body)))
      const head = await sdk.headObject({ ...at, Key })
      t.equal(head.headers?.['content-length'], String(Body.length))
      t.equal(head.headers?.['x-cos-meta-color'], 'red')
      t.ok((await sdk.getObject({ ...at, Key })).Body.equals(Body))
    }
    const gone = await refusal(sdk.getObject({ ...at, Key: 'no such key' }))
    t.match(gone, { statusCode: 404, code: 'NoSuchKey' })
    const listed = await sdk.getBucket({ ...at, Prefix: 'dir/', Delimiter: '/' })
    t.match(listed, { Contents: [{ Key: 'dir/a.txt' }], IsTruncated: 'false' })
    t.equal((await sdk.deleteObject({ ...at, Key: 'dir/a.txt' })).statusCode, 204)
    t.match(await refusal(sdk.headObject({ ...at, Key: 'dir/a.txt' })), { statusCode: 404 })
  })

t.test('ranges, conditions and response-* parameters work', async (t) => {
  const { sdk } = await start(t)
  const Key = 'ranged'
  const { ETag } = await sdk.putObject({ ...at, Key, Body: '0123456789' })
  const middle = await sdk.getObject({ ...at, Key, Range: 'bytes=2-4' })
  t.equal(middle.statusCode, 206)
  t.equal(String(middle.Body), '234')
  t.equal(middle.headers?.['content-range'], 'bytes 2-4/10')
  t.match(await refusal(sdk.getObject({ ...at, Key, Range: 'bytes=10-' })), { statusCode: 416 })
  t.match(await refusal(sdk.getObject({ ...at, Key, IfMatch: '"0"' })), { statusCode: 412 })
  t.match(await refusal(sdk.getObject({ ...at, Key, IfNoneMatch: ETag })), { statusCode: 304 })
  const shown = await sdk.getObject({ ...at, Key, ResponseContentType: 'text/html' })
  t.equal(shown.headers?.['content-type'], 'text/html')
})

t.test('presigned URLs work until they expire', async (t) => {
  let now = Date.now()
  const { sdk, emulator } = await start(t, { now: () => now })
  await sdk.putObject({ ...at, Key: 'a b+腾', Body: 'shared' })
  const url = sdk.getObjectUrl({ ...at, Key: 'a b+腾', Sign: true, Expires: 60 }, () => undefined)
  const { host, pathname, search } = new URL(url)
  // fetch() cannot set Host, so the request is path-style.
  const get = async (): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      import('node:http')
        .then(({ get }) =>
          get(
            { host: '127.0.0.1', port: emulator.port, path: pathname + search, headers: { host } },
            (response) => {
              let text = ''
              response.on('data', (chunk) => (text += String(chunk)))
              response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
            }
          ).on('error', reject)
        )
        .catch(reject)
    })
  t.match(await get(), { status: 200, text: 'shared' })
  now += 3600_000
  t.match(await get(), { status: 403, text: /Request has expired/ })
})

t.test('a file is uploaded in slices, and copied in slices', async (t) => {
  const { sdk, emulator } = await start(t)
  const file = bytes(5 * mib + 17)
  const FilePath = join(t.testdir(), 'file')
  writeFileSync(FilePath, file)
  const up = await narrow(sdk.sliceUploadFile({ ...at, Key: 'big', FilePath, ChunkSize: mib }))
  t.match(up.ETag, /^"[0-9a-f]{32}-6"$/)
  const head = await sdk.headObject({ ...at, Key: 'big' })
  t.equal(head.headers?.['x-cos-hash-crc64ecma'], String(await crc64(file)))
  t.equal(emulator.requests().filter(({ operation }) => operation === 'UploadPart').length, 6)

  const CopySource = `${at.Bucket}.cos.${at.Region}.myqcloud.com/big`
  const copy = await sdk.sliceCopyFile({
    ...at,
    Key: 'copied',
    CopySource,
    CopyChunkSize: mib,
    CopySliceSize: mib
  })
  t.match(copy, { ETag: /^"[0-9a-f]{32}-6"$/ })
  t.equal(emulator.requests().filter(({ operation }) => operation === 'UploadPartCopy').length, 6)
  t.ok((await sdk.getObject({ ...at, Key: 'copied' })).Body.equals(file))

  const down = join(t.testdir(), 'down')
  await sdk.downloadFile({ ...at, Key: 'big', FilePath: down, ChunkSize: mib })
  t.ok(readFileSync(down).equals(file))
})

t.test('an object is copied with its own headers or with replaced ones', async (t) => {
  const { sdk } = await start(t)
  await sdk.putObject({ ...at, Key: '源 1', Body: 'x', 'x-cos-meta-a': '1', CacheControl: 'no-cache' })
  const CopySource = `${at.Bucket}.cos.${at.Region}.myqcloud.com/${encodeURIComponent('源 1')}`
  const copied = await sdk.putObjectCopy({ ...at, Key: 'copy', CopySource, StorageClass: 'STANDARD_IA' })
  t.equal(copied.ETag, quotedMd5(Buffer.from('x')))
  const head = await sdk.headObject({ ...at, Key: 'copy' })
  t.match(head.headers, {
    'x-cos-meta-a': '1',
    'cache-control': 'no-cache',
    'x-cos-storage-class': 'STANDARD_IA'
  })
  await sdk.putObjectCopy({
    ...at,
    Key: 'other',
    CopySource,
    MetadataDirective: 'Replaced',
    'x-cos-meta-b': '2'
  })
  const other = (await sdk.headObject({ ...at, Key: 'other' })).headers
  t.equal(other?.['x-cos-meta-b'], '2')
  t.equal(other?.['x-cos-meta-a'], undefined)
  const missing = `${at.Bucket}.cos.${at.Region}.myqcloud.com/missing`
  t.match(await refusal(sdk.putObjectCopy({ ...at, Key: 'z', CopySource: missing })), { statusCode: 404 })
})

t.test('an upload is created, listed and aborted', async (t) => {
  const { sdk } = await start(t)
  const Key = 'dir/unfinished'
  const { UploadId } = await sdk.multipartInit({ ...at, Key, StorageClass: 'STANDARD_IA' })
  const part = await sdk.multipartUpload({ ...at, Key, UploadId, PartNumber: 1, Body: 'part' })
  const open = await narrow(sdk.multipartList({ ...at, Prefix: 'dir/', Delimiter: '' }))
  t.match(open.Upload, [{ Key, UploadId, StorageClass: 'STANDARD_IA' }])
  const parts = await sdk.multipartListPart({ ...at, Key, UploadId })
  t.match(parts.Part, [{ PartNumber: '1', ETag: part.ETag, Size: '4' }])
  await sdk.multipartAbort({ ...at, Key, UploadId })
  t.match(await refusal(sdk.multipartListPart({ ...at, Key, UploadId })), { code: 'NoSuchUpload' })
  const again = await sdk.multipartInit({ ...at, Key })
  const Parts = [{ PartNumber: 1, ETag: part.ETag }]
  t.match(await refusal(sdk.multipartComplete({ ...at, Key, UploadId: again.UploadId, Parts })), {
    code: 'InvalidPart'
  })
  await sdk.abortUploadTask({ ...at, Key, Level: 'file' })
  t.same((await narrow(sdk.multipartList({ ...at, Prefix: '', Delimiter: '' }))).Upload, [])
})

t.test('versions are stored, listed and deleted', async (t) => {
  const { sdk } = await start(t)
  const Key = 'notes.txt'
  const first = await sdk.putObject({ ...versioned, Key, Body: 'one' })
  await sdk.putObject({ ...versioned, Key, Body: 'two' })
  t.ok(first.VersionId)
  const marker = await sdk.deleteObject({ ...versioned, Key })
  t.equal(marker.headers?.['x-cos-delete-marker'], 'true')
  t.match(await refusal(sdk.getObject({ ...versioned, Key })), { statusCode: 404 })
  const listed = await sdk.listObjectVersions({ ...versioned })
  t.match(listed.Versions, [
    { Key, IsLatest: 'false' },
    { Key, VersionId: first.VersionId }
  ])
  t.match(listed.DeleteMarkers, [{ Key, IsLatest: 'true' }])
  const VersionId = first.VersionId ?? ''
  t.equal(String((await sdk.getObject({ ...versioned, Key, VersionId })).Body), 'one')
  await sdk.deleteMultipleObject({ ...versioned, Objects: [{ Key, VersionId }] })
  t.equal((await sdk.listObjectVersions({ ...versioned })).Versions.length, 1)
  t.match(await sdk.getBucketVersioning({ ...versioned }), { VersioningConfiguration: { Status: 'Enabled' } })
})

t.test('many keys are deleted in one request, and listed in pages', async (t) => {
  const { sdk } = await start(t)
  const keys = ['a<b>&c', 'b/1', 'b/2', 'c', '腾']
  for (const Key of keys) await sdk.putObject({ ...at, Key, Body: Key })
  const first = await sdk.getBucket({ ...at, MaxKeys: 2, Delimiter: '/', EncodingType: 'url' })
  t.match(first, {
    IsTruncated: 'true',
    Contents: [{ Key: 'a%3Cb%3E%26c' }],
    CommonPrefixes: [{ Prefix: 'b/' }]
  })
  const rest = await sdk.getBucket({ ...at, Marker: first.NextMarker ?? '', Delimiter: '/' })
  t.match(
    rest.Contents.map(({ Key }) => Key),
    ['c', '腾']
  )
  const deleted = await sdk.deleteMultipleObject({
    ...at,
    Objects: [...keys, 'never'].map((Key) => ({ Key }))
  })
  t.same(
    deleted.Deleted.map(({ Key }) => Key),
    [...keys, 'never']
  )
  t.same((await sdk.getBucket({ ...at })).Contents, [])
})

t.test('an archived object is restored', async (t) => {
  let now = Date.now()
  const { sdk } = await start(t, { now: () => now })
  const Key = 'cold'
  // The SDK corrects its clock by the emulator's Date header.
  await sdk.putObject({ ...at, Key, Body: 'ice', StorageClass: 'ARCHIVE' })
  t.match(await refusal(sdk.getObject({ ...at, Key })), { statusCode: 403, code: 'InvalidObjectState' })
  const RestoreRequest = { Days: 1, CASJobParameters: { Tier: 'Expedited' as const } }
  t.equal((await sdk.restoreObject({ ...at, Key, RestoreRequest })).statusCode, 202)
  t.match(await refusal(sdk.restoreObject({ ...at, Key, RestoreRequest })), {
    code: 'RestoreAlreadyInProgress'
  })
  now += 6 * 60_000
  t.equal(String((await sdk.getObject({ ...at, Key })).Body), 'ice')
})

t.test('bucket requests work', async (t) => {
  const { sdk } = await start(t)
  t.equal((await sdk.headBucket({ ...at })).statusCode, 200)
  t.match(await refusal(sdk.headBucket({ ...at, Bucket: 'nobodys-1250000000' })), { statusCode: 404 })
  t.equal((await sdk.putBucket({ ...at, Bucket: 'fresh-1250000000' })).statusCode, 200)
  const acl = await sdk.getObjectAcl({ ...at, Key: 'x' }).catch(() => undefined)
  t.equal(acl, undefined)
  await sdk.putObject({ ...at, Key: 'x', Body: 'x', ACL: 'public-read' })
  t.match(await sdk.getObjectAcl({ ...at, Key: 'x' }), { ACL: 'public-read' })
})

t.test('unsupported requests return 501', async (t) => {
  const { sdk } = await start(t)
  await sdk.putObject({ ...at, Key: 'x', Body: 'x' })
  for (const Query of [
    { 'ci-process': 'sensitive-content-recognition' },
    { 'imageMogr2/thumbnail/!50p': '' }
  ])
    t.match(await refusal(sdk.request({ ...at, Method: 'GET', Key: 'x', Query })), {
      statusCode: 501,
      code: 'NotImplemented'
    })
})

t.test('a wrong key fails, and a wrong clock is corrected', async (t) => {
  const { emulator } = await start(t, { now: () => Date.now() + 3600_000 })
  const wrong = createSdk(emulator.credentials, {
    Ip: emulator.address,
    SecretKey: 'another',
    CorrectClockSkew: false
  })
  t.match(await refusal(wrong.putObject({ ...at, Key: 'x', Body: 'x' })), {
    statusCode: 403,
    code: 'RequestTimeTooSkewed'
  })
  const early = createSdk(emulator.credentials, { Ip: emulator.address })
  t.equal((await early.putObject({ ...at, Key: 'x', Body: 'x' })).statusCode, 200)
})
