/** cospipe reads what Tencent's Node SDK writes, and the SDK reads what cospipe writes. */
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import type COS from 'cos-nodejs-sdk-v5'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { presign } from '../../lib/client/presign.js'
import { send } from '../../lib/client/send.js'
import { copyObject } from '../../lib/operations/copy-object.js'
import { deleteObjects } from '../../lib/operations/delete-objects.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { listParts } from '../../lib/operations/list-parts.js'
import { putObject } from '../../lib/operations/put-object.js'
import { streamObjects } from '../../lib/transfers/list/stream-objects.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { bucket, startCos, type Cos } from '../support/cos.js'
import { toArray } from '../support/iterables.js'
import { right } from '../support/server.js'
import { createSdk } from './create-sdk.js'

const mib = 1024 * 1024
const at = { Bucket: bucket, Region: 'ap-guangzhou' }
const keys = ['plain', "a b/c+d%20~!'()*&=?#腾讯😀", 'a//b', 'x/../y', 'dir/']

const sdkOf = ({ emulator }: Cos): COS => createSdk(emulator.credentials, { Ip: emulator.address })

const read = async (cos: Cos, key: string): Promise<Buffer> => {
  const { body } = right(await send(getObject({ bucket, key }))(cos.client())())
  return Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>)
}

t.test('cospipe heads, gets and lists objects that the SDK put', async (t) => {
  const cos = await startCos(t)
  const sdk = sdkOf(cos)
  for (const Key of keys) {
    const body = `of ${Key}`
    const headers = { 'x-cos-meta-color': 'red', ContentType: 'text/plain' }
    const put = await sdk.putObject({ ...at, Key, Body: body, ...headers })
    const head = right(await send(headObject({ bucket, key: Key }))(cos.client())())
    t.match(head, { size: Buffer.byteLength(body), etag: put.ETag, metadata: { color: 'red' } }, Key)
    t.strictSame(head.crc64, O.some(await crc64(Buffer.from(body))))
    t.equal(String(await read(cos, Key)), body)
  }
  const listed = await toArray(streamObjects({ bucket })(cos.client()))
  const expected = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  t.strictSame(
    listed.map((item) => 'key' in item && item.key),
    expected
  )
})

t.test('the SDK heads, gets and lists objects that cospipe put', async (t) => {
  const cos = await startCos(t)
  const sdk = sdkOf(cos)
  for (const key of keys) {
    const body = `of ${key}`
    const input = { bucket, key, body, metadata: { color: 'red' }, contentType: 'text/plain' }
    const put = right(await send(putObject(input))(cos.client())())
    const head = await sdk.headObject({ ...at, Key: key })
    t.match(
      head,
      { ETag: put.etag, headers: { 'x-cos-meta-color': 'red', 'content-type': 'text/plain' } },
      key
    )
    t.equal(String((await sdk.getObject({ ...at, Key: key })).Body), body)
  }
  const listed = await sdk.getBucket({ ...at })
  t.strictSame(listed.Contents.map(({ Key }) => Key).toSorted(), keys.toSorted())
  const objects = keys.map((key) => ({ key }))
  right(await send(deleteObjects({ bucket, objects }))(cos.client())())
  t.strictSame((await sdk.getBucket({ ...at })).Contents, [])
})

t.test('each completes an upload that the other created', async (t) => {
  const cos = await startCos(t)
  const dir = t.testdir()
  const sdk = sdkOf(cos)
  const bytes = bytesOf(3 * mib + 17)
  const sum = await crc64(bytes)

  const FilePath = join(dir, 'file')
  writeFileSync(FilePath, bytes)
  await sdk.sliceUploadFile({ ...at, Key: 'theirs', FilePath, ChunkSize: mib })
  t.strictSame(right(await send(headObject({ bucket, key: 'theirs' }))(cos.client())()).crc64, O.some(sum))
  t.ok((await read(cos, 'theirs')).equals(bytes))

  const ours = { bucket, key: 'ours', partSize: mib }
  t.match(right(await uploadStream(ours)(splitBytes(bytes, 50_000))(cos.client())()), {
    parts: 4,
    crc64: sum
  })
  t.ok((await sdk.getObject({ ...at, Key: 'ours' })).Body.equals(bytes))
})

t.test('cospipe lists an upload that the SDK created', async (t) => {
  const cos = await startCos(t)
  const sdk = sdkOf(cos)
  const { UploadId } = await sdk.multipartInit({ ...at, Key: 'k' })
  const part = await sdk.multipartUpload({ ...at, Key: 'k', UploadId, PartNumber: 3, Body: 'part' })
  const listed = right(await send(listParts({ bucket, key: 'k', uploadId: UploadId }))(cos.client())())
  t.match(listed, { uploadId: UploadId, parts: [{ partNumber: 3, etag: part.ETag, size: 4 }] })
})

t.test('the SDK gets a copy that cospipe made of its object', async (t) => {
  const cos = await startCos(t)
  const sdk = sdkOf(cos)
  const key = keys[1]!
  await sdk.putObject({ ...at, Key: key, Body: 'x' })
  const copySource = { bucket, region: at.Region, key }
  right(await send(copyObject({ bucket, key: 'copy', copySource }))(cos.client())())
  t.equal(String((await sdk.getObject({ ...at, Key: 'copy' })).Body), 'x')
})

t.test('a URL that cospipe presigned returns an object that the SDK put', async (t) => {
  const cos = await startCos(t)
  const key = keys[1]!
  await sdkOf(cos).putObject({ ...at, Key: key, Body: 'shared' })
  const { url } = right(await presign(getObject({ bucket, key }), 60)(cos.client())())
  const { host, pathname, search } = new URL(url)
  const text = await new Promise<string>((resolve, reject) => {
    const path = pathname + search
    get({ host: '127.0.0.1', port: cos.emulator.port, path, headers: { host } }, (response) => {
      let heard = ''
      response.on('data', (chunk) => (heard += String(chunk)))
      response.on('end', () => resolve(heard))
    }).on('error', reject)
  })
  t.equal(text, 'shared')
})
