import { createHash } from 'node:crypto'
import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import { crc64 } from '../../../lib/core/crc64.js'
import { type ReceivedResponse, sendRequest, startTestEmulator, statusAndCode } from '../../support/signed.js'

const append = (
  emulator: Emulator,
  position: number | string,
  body: string,
  headers: Readonly<Record<string, string>> = {}
): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method: 'POST', key: 'log', query: { append: '', position: String(position) }, body },
    headers: { 'content-md5': createHash('md5').update(body).digest('base64'), ...headers }
  })

t.test(
  'appended bytes follow the bytes before them, and position, CRC64 and metadata are returned',
  async (t) => {
    const emulator = await startTestEmulator(t)
    const first = await append(emulator, 0, 'hello ', {
      ...{ 'content-type': 'text/plain', 'x-cos-meta-color': 'red' }
    })
    t.match(first, { status: 200, headers: { 'x-cos-next-append-position': '6' } })
    t.equal(first.headers['x-cos-content-sha1'], createHash('md5').update('hello ').digest('hex'))
    t.equal(first.headers['etag'], `"${createHash('md5').update('hello ').digest('hex')}"`)
    const second = await append(emulator, 6, 'world', { 'content-type': 'ignored/type' })
    const whole = String(await crc64(Buffer.from('hello world')))
    t.match(second, {
      status: 200,
      headers: { 'x-cos-next-append-position': '11', 'x-cos-hash-crc64ecma': whole }
    })
    const got = await sendRequest(emulator, { key: 'log' })
    t.equal(got.text, 'hello world')
    t.match(got.headers, {
      ...{ 'content-type': 'text/plain', 'x-cos-meta-color': 'red', 'x-cos-object-type': 'appendable' },
      ...{ 'x-cos-next-append-position': '11', 'x-cos-hash-crc64ecma': whole, etag: second.headers['etag'] }
    })
    const range = await sendRequest(emulator, { key: 'log', headers: { range: 'bytes=4-7' } })
    t.equal(range.text, 'o wo')
  }
)

t.test(
  'an append fails at another position, for another kind of object and without a position',
  async (t) => {
    const emulator = await startTestEmulator(t)
    const code = async (response: Promise<ReceivedResponse>): Promise<string> => statusAndCode(await response)
    t.equal(await code(append(emulator, 3, 'x')), '409 AppendPositionErr')
    await append(emulator, 0, 'abc')
    const wrong = await append(emulator, 0, 'abc')
    t.match(wrong, { status: 409, headers: { 'x-cos-next-append-position': '3' } })
    t.equal(await code(append(emulator, 'x', 'abc')), '400 InvalidArgument')
    t.equal(
      await code(append(emulator, 3, 'abc', { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' })),
      '400 BadDigest'
    )
    const tiered = { 'x-cos-storage-class': 'INTELLIGENT_TIERING' }
    t.equal(await code(append(emulator, 3, 'abc', tiered)), '400 NotSupportedStorageClass')
    const copy = { 'x-cos-copy-source': 'examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/log' }
    const copied = sendRequest(emulator, {
      method: 'PUT',
      key: 'copy',
      headers: { ...copy, 'content-length': '0' }
    })
    t.equal(await code(copied), '400 InvalidRequest', 'an appendable object cannot be copied')
    t.equal((await sendRequest(emulator, { key: 'log' })).text, 'abc', 'nothing changed')
    await sendRequest(emulator, { method: 'PUT', key: 'log', body: 'abc' })
    t.equal(await code(append(emulator, 3, 'd')), '409 ObjectNotAppendable', 'after a PUT')
  }
)

t.test('of two appends at one position, one fails', async (t) => {
  const emulator = await startTestEmulator(t)
  const both = await Promise.all(['a', 'b'].map((body) => append(emulator, 0, body)))
  t.strictSame(both.map(({ status }) => status).sort(), [200, 409])
})
