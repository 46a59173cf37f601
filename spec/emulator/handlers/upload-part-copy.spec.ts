import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import {
  sendRequest,
  type RequestInput,
  completionXml,
  startTestEmulator,
  initiate,
  readTag,
  type ReceivedResponse
} from '../../support/signed.js'

const bucket = 'examplebucket-1250000000'
const source = `${bucket}.cos.ap-guangzhou.myqcloud.com/source`

t.test('ranges of objects become the parts of another', async (t) => {
  for (const dir of [undefined, t.testdir()]) {
    const emulator = await startTestEmulator(t, { minPartSize: 1, ...(dir === undefined ? {} : { dir }) })
    const whole = Buffer.alloc(300_000, 'some bytes that repeat and some that do not')
    await sendRequest(emulator, { method: 'PUT', key: 'source', body: whole })
    const uploadId = await initiate(emulator, 'k')
    const copy = (partNumber: string, range?: string): Promise<ReceivedResponse> =>
      sendRequest(emulator, {
        method: 'PUT',
        key: 'k',
        query: { partNumber, uploadId },
        headers: {
          'content-length': '0',
          'x-cos-copy-source': source,
          ...(range === undefined ? {} : { 'x-cos-copy-source-range': range })
        }
      })
    const parts = [
      await copy('1', 'bytes=100-199999'),
      await copy('2'),
      await copy('3', 'bytes=299999-299999')
    ]
    const expected = [whole.subarray(100, 200_000), whole, whole.subarray(299_999)]
    for (const [at, response] of parts.entries()) {
      t.equal(response.status, 200)
      t.equal(readTag(response.text, 'CRC64'), String(await crc64(expected[at]!)))
      t.match(
        readTag(response.text, 'LastModified'),
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/,
        'a date without a time zone'
      )
    }
    const etags = parts.map((response) => readTag(response.text, 'ETag')?.replaceAll('&quot;', '"') ?? '')
    const body = completionXml(etags)
    const done = await sendRequest(emulator, { method: 'POST', key: 'k', query: { uploadId }, body })
    t.equal(done.headers['x-cos-hash-crc64ecma'], String(await crc64(...expected)))
    await sendRequest(emulator, { method: 'DELETE', key: 'source' })
    t.ok(
      (await sendRequest(emulator, { key: 'k' })).body.equals(Buffer.concat(expected)),
      'the source may be deleted'
    )
  }
})

t.test("a part copy that is not possible fails with COS's code", async (t) => {
  const emulator = await startTestEmulator(t, { seed: [{ bucket, key: 'huge', size: 100 * 1024 ** 3 }] })
  const etag =
    (await sendRequest(emulator, { method: 'PUT', key: 'source', body: '0123456789' })).headers['etag'] ?? ''
  const uploadId = await initiate(emulator, 'k')
  const past = 'Wed, 01 May 2019 00:00:00 GMT'
  const future = 'Wed, 01 May 2999 00:00:00 GMT'
  const headerName = (name: string): string => `x-cos-copy-source-${name}`
  const cases: ReadonlyArray<
    readonly [Record<string, string>, RequestInput['query'], number, string | undefined]
  > = [
    [{ [headerName('range')]: 'bytes=0-10' }, {}, 416, 'InvalidRange'],
    [{ [headerName('range')]: 'bytes=5-' }, {}, 400, 'InvalidArgument'],
    [{}, { partNumber: '0' }, 400, 'InvalidArgument'],
    [{}, { partNumber: '10001' }, 400, 'InvalidArgument'],
    [{}, { uploadId: 'unknown' }, 404, 'NoSuchUpload'],
    [{ [headerName('if-match')]: '"other"' }, {}, 412, 'PreconditionFailed'],
    [{ [headerName('if-none-match')]: etag }, {}, 412, 'PreconditionFailed'],
    // "Returns conflict", by COS's page; it gives no code.
    [{ [headerName('if-match')]: etag, [headerName('if-none-match')]: '"other"' }, {}, 409, 'Conflict'],
    [
      {
        ...{ [headerName('if-match')]: etag, [headerName('if-modified-since')]: past },
        ...{ [headerName('if-none-match')]: '"other"', [headerName('if-unmodified-since')]: future }
      },
      {},
      409,
      'Conflict'
    ],
    [{ [headerName('range')]: '' }, {}, 200, undefined],
    [{ [headerName('if-match')]: etag, [headerName('if-unmodified-since')]: past }, {}, 200, undefined],
    [
      { [headerName('if-none-match')]: '"other"', [headerName('if-modified-since')]: future },
      {},
      200,
      undefined
    ],
    [{ 'x-cos-copy-source': `${bucket}.cos.x.myqcloud.com/huge` }, {}, 400, 'EntityTooLarge']
  ]
  for (const [headers, query, status, code] of cases) {
    const response = await sendRequest(emulator, {
      method: 'PUT',
      key: 'k',
      query: { partNumber: '1', uploadId, ...query },
      headers: { 'content-length': '0', 'x-cos-copy-source': source, ...headers }
    })
    t.strictSame(
      [response.status, readTag(response.text, 'Code')],
      [status, code],
      JSON.stringify([headers, query])
    )
  }
})

t.test('100 GiB of zeros are copied in parts without reading them', async (t) => {
  const size = 100 * 1024 ** 3
  const emulator = await startTestEmulator(t, { seed: [{ bucket, key: 'source', size }] })
  const uploadId = await initiate(emulator, 'k')
  const etags: Array<string> = []
  for (let at = 0; at < 20; at += 1) {
    const first = (at * size) / 20
    const range = `bytes=${String(first)}-${String(first + size / 20 - 1)}`
    const response = await sendRequest(emulator, {
      method: 'PUT',
      key: 'k',
      query: { partNumber: String(at + 1), uploadId },
      headers: { 'content-length': '0', 'x-cos-copy-source': source, 'x-cos-copy-source-range': range }
    })
    etags.push(readTag(response.text, 'ETag')?.replaceAll('&quot;', '"') ?? '')
  }
  const done = await sendRequest(emulator, {
    method: 'POST',
    key: 'k',
    query: { uploadId },
    body: completionXml(etags)
  })
  const head = await sendRequest(emulator, { method: 'HEAD', key: 'source' })
  t.equal(done.headers['x-cos-hash-crc64ecma'], head.headers['x-cos-hash-crc64ecma'])
})
