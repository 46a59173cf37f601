import { createHmac, createCipheriv, createSecretKey, hkdfSync } from 'node:crypto'
import t from 'tap'
import { journalKey } from '../../lib/encryption/journal-key.js'
import { bytesOf } from '../support/bytes.js'
import { secretForms, shownForms } from '../support/secret-forms.js'

const key = bytesOf(32, 7)
const iv = bytesOf(7, 8)
const dataKey = { key: createSecretKey(key), iv }

t.test('a digest is the one of lib/encryption/README.md', async (t) => {
  const derived = Buffer.from(hkdfSync('sha256', key, iv, 'cospipe parts 1', 64))
  const gmac = (block: Uint8Array): Buffer => {
    const mac = createCipheriv('aes-256-gcm', derived.subarray(0, 32), Buffer.alloc(12))
    mac.setAAD(block)
    mac.final()
    return mac.getAuthTag()
  }
  const hmac = (...data: ReadonlyArray<Uint8Array>): string =>
    createHmac('sha256', derived.subarray(32))
      .update(Buffer.concat(data))
      .digest()
      .subarray(0, 16)
      .toString('base64')
  const blocks = [bytesOf(1000, 1), bytesOf(5, 2)]
  const record = journalKey(dataKey).recordPart(258)
  blocks.forEach((block, index) => {
    t.ok(record.isSame(index, block))
  })
  t.equal(record.digest(), hmac(Buffer.of(1, 0, 0, 1, 2), ...blocks.map(gmac)))
  t.equal(journalKey(dataKey).signText('é'), hmac(Buffer.of(0), Buffer.from('é')))
})

t.test('a digest depends on each bit, the length, the order, the part and the data key', async (t) => {
  const blocks = [bytesOf(64, 1), bytesOf(64, 2), bytesOf(9, 3)]
  const digestOf = (parts: ReadonlyArray<Uint8Array>, number = 1, from = dataKey): string => {
    const record = journalKey(from).recordPart(number)
    parts.forEach((block, index) => {
      record.isSame(index, block)
    })
    return record.digest()
  }
  const flipped = Array.from({ length: 9 * 8 }, (_, bit) => {
    const last = Buffer.from(blocks[2]!)
    last[bit >> 3] = last[bit >> 3]! ^ (1 << (bit & 7))
    return digestOf([...blocks.slice(0, 2), last])
  })
  const digests = [
    digestOf(blocks),
    ...flipped,
    digestOf(blocks.slice(0, 2)),
    digestOf([...blocks, Buffer.alloc(1)]),
    digestOf([...blocks].reverse()),
    digestOf(blocks, 2),
    digestOf(blocks, 1, { ...dataKey, iv: bytesOf(7, 9) }),
    digestOf([])
  ]
  t.equal(new Set(digests).size, digests.length)
  t.equal(digestOf(blocks), digests[0])
})

t.test('a journal key does not show its keys', async (t) => {
  const made = journalKey(dataKey)
  const shown = shownForms([made, made.recordPart(1)])
  const derived = Buffer.from(hkdfSync('sha256', key, iv, 'cospipe parts 1', 64))
  for (const secret of [key, derived.subarray(0, 32), derived.subarray(32)])
    for (const form of secretForms(secret)) t.notOk(shown.includes(form), form)
})
