import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import {
  sendRequest,
  completionXml,
  startTestEmulator,
  initiate,
  readTag,
  readTags
} from '../../support/signed.js'

const mib = 1024 * 1024
const key = 'big'

for (const kept of ['memory', 'disk'])
  t.test(`parts become one object (${kept})`, async (t) => {
    const emulator = await startTestEmulator(t, kept === 'disk' ? { dir: t.testdir() } : {})
    const uploadId = await initiate(emulator, key, { headers: { 'content-type': 'text/plain' } })
    const parts = [Buffer.alloc(mib, 'a'), Buffer.alloc(mib, 'b'), Buffer.from('end')]
    const etags: Array<string> = []
    // In any order. A part that is uploaded again replaces the first.
    await sendRequest(emulator, {
      method: 'PUT',
      key,
      query: { partNumber: '2', uploadId },
      body: 'overwritten'
    })
    for (const at of [2, 1, 0]) {
      const query = { partNumber: String(at + 1), uploadId }
      const response = await sendRequest(emulator, { method: 'PUT', key, query, body: parts[at]! })
      t.equal(response.status, 200)
      t.equal(response.headers['x-cos-hash-crc64ecma'], String(await crc64(parts[at]!)))
      etags[at] = response.headers['etag'] ?? ''
    }
    t.equal(
      (await sendRequest(emulator, { key })).status,
      404,
      'the object does not exist before the completion'
    )

    const listed = await sendRequest(emulator, { key, query: { uploadId, 'max-parts': '2' } })
    t.strictSame(readTags(listed.text, 'PartNumber'), ['1', '2'])
    t.equal(readTag(listed.text, 'NextPartNumberMarker'), '2')
    t.equal(readTag(listed.text, 'IsTruncated'), 'true')

    const body = completionXml(etags)
    const done = await sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body })
    t.equal(done.status, 200)
    t.match(readTag(done.text, 'ETag'), /^&quot;[0-9a-f]{32}-3&quot;$/)
    const whole = Buffer.concat(parts)
    t.equal(done.headers['x-cos-hash-crc64ecma'], String(await crc64(whole)))

    const got = await sendRequest(emulator, { key })
    t.ok(got.body.equals(whole))
    t.equal(got.headers['content-type'], 'text/plain', 'the attributes are those of Initiate')
    const middle = await sendRequest(emulator, {
      key,
      headers: { range: `bytes=${String(mib - 1)}-${String(2 * mib)}` }
    })
    t.equal(middle.status, 206)
    t.ok(middle.body.equals(whole.subarray(mib - 1, 2 * mib + 1)), 'a range across three parts')
    t.equal(
      (await sendRequest(emulator, { key, query: { uploadId } })).status,
      404,
      'the upload no longer exists'
    )
  })
