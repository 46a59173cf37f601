import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import {
  type ReceivedResponse,
  readTag,
  readTags,
  sendRequest,
  startTestEmulator,
  statusAndCode
} from '../../support/signed.js'

type Headers = Readonly<Record<string, string>>

const bucket = 'fresh-1250000000'
const host = `${bucket}.cos.ap-guangzhou.myqcloud.com`

const put = (emulator: Emulator, body: string, headers: Headers = {}): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method: 'PUT', bucket, body },
    headers: { 'content-length': String(Buffer.byteLength(body)), ...headers }
  })

const configuration = (...elements: ReadonlyArray<readonly [string, string]>): string =>
  `<CreateBucketConfiguration>${elements
    .map(([name, text]) => `<${name}>${text}</${name}>`)
    .join('')}</CreateBucketConfiguration>`

t.test(
  'PUT Bucket fails for an invalid name, an anonymous request, an unknown ACL and an unknown body',
  async (t) => {
    const emulator = await startTestEmulator(t)
    const named = { method: 'PUT', host: '127.0.0.1', headers: { 'content-length': '0' } } as const
    t.equal(statusAndCode(await sendRequest(emulator, { ...named, key: 'Upper' })), '400 InvalidBucketName')
    const anonymous = { ...named, key: bucket, credentials: null }
    t.equal(statusAndCode(await sendRequest(emulator, anonymous)), '403 AccessDenied')
    t.equal(
      statusAndCode(await sendRequest(emulator, { host: '127.0.0.1', credentials: null })),
      '403 AccessDenied'
    )
    t.equal(statusAndCode(await put(emulator, '', { 'x-cos-acl': 'default' })), '400 InvalidArgument')
    t.equal(statusAndCode(await put(emulator, '', { 'x-cos-tagging': 'a=1&a=2' })), '400 InvalidTag')
    t.equal(statusAndCode(await put(emulator, '<Other/>')), '400 MalformedXML')
    t.equal(
      statusAndCode(await put(emulator, configuration(['BucketAZConfig', 'OTHER']))),
      '501 NotImplemented'
    )
    const maz = configuration(['BucketAZConfig', 'MAZ'])
    const digest = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    t.equal(statusAndCode(await put(emulator, maz, digest)), '400 BadDigest')
    t.equal((await sendRequest(emulator, { method: 'HEAD', bucket })).status, 404, 'nothing was created')
    t.equal((await put(emulator, configuration())).status, 200)
    const { headers } = await sendRequest(emulator, { method: 'HEAD', bucket })
    t.match(headers, { 'x-cos-bucket-az-type': undefined, 'x-cos-bucket-arch': undefined })
  }
)

t.test(
  'a multi-AZ bucket with metadata acceleration is reported as such, also after a restart',
  async (t) => {
    const dir = t.testdir()
    const first = await startTestEmulator(t, { dir })
    const body = configuration(['BucketAZConfig', 'MAZ'], ['BucketArchConfig', 'OFS'])
    const headers = { 'x-cos-acl': 'public-read', 'x-cos-grant-read': 'id="3"', 'x-cos-tagging': 'a=1&b=%26' }
    t.equal((await put(first, body, headers)).status, 200)
    await first.close()
    const emulator = await startTestEmulator(t, { dir })
    t.match(await sendRequest(emulator, { method: 'HEAD', bucket, credentials: null }), {
      status: 200,
      headers: { 'x-cos-bucket-az-type': 'MAZ', 'x-cos-bucket-arch': 'OFS' }
    })
    const tags = await sendRequest(emulator, { bucket, query: { tagging: '' } })
    t.strictSame(readTags(tags.text, 'Key'), ['a', 'b'])
    t.strictSame(readTags(tags.text, 'Value'), ['1', '&amp;'])
    t.equal((await sendRequest(emulator, { method: 'DELETE', bucket })).status, 204)
  }
)

t.test('objects of a multi-AZ bucket have its storage classes', async (t) => {
  const emulator = await startTestEmulator(t, { restoreTime: 0 })
  await put(emulator, configuration(['BucketAZConfig', 'MAZ']))
  const upload = (headers: Headers = {}): Promise<ReceivedResponse> =>
    sendRequest(emulator, { method: 'PUT', bucket, key: 'k', body: 'x', headers })
  const head = async (): Promise<Headers> =>
    (await sendRequest(emulator, { method: 'HEAD', bucket, key: 'k' })).headers
  await upload()
  t.equal((await head())['x-cos-storage-class'], 'MAZ_STANDARD', 'the default')
  const classed = (name: string): Promise<ReceivedResponse> => upload({ 'x-cos-storage-class': name })
  t.equal(statusAndCode(await classed('STANDARD')), '400 OAZOperationNotSupportOnMAZBucket')
  t.equal(statusAndCode(await classed('MAZ_GLACIER')), '400 NotSupportedStorageClass')
  await classed('MAZ_INTELLIGENT_TIERING')
  const tiered = { 'x-cos-storage-class': 'MAZ_INTELLIGENT_TIERING', 'x-cos-storage-tier': 'FREQUENT' }
  t.match(await head(), tiered)
  t.equal(readTag((await sendRequest(emulator, { bucket })).text, 'StorageTier'), 'FREQUENT')
  await classed('MAZ_ARCHIVE')
  t.equal(statusAndCode(await sendRequest(emulator, { bucket, key: 'k' })), '403 InvalidObjectState')
  const restore = '<RestoreRequest><Days>1</Days></RestoreRequest>'
  const request = { method: 'POST', bucket, key: 'k', query: { restore: '' }, body: restore }
  t.equal((await sendRequest(emulator, request)).status, 202)
  t.equal((await sendRequest(emulator, { bucket, key: 'k' })).text, 'x')
  // A copy has the default class of the bucket that it is in.
  const source = { 'content-length': '0', 'x-cos-copy-source': `${host}/k` }
  await sendRequest(emulator, { method: 'PUT', key: 'copy', headers: source })
  t.notOk((await sendRequest(emulator, { key: 'copy' })).headers['x-cos-storage-class'])
})
