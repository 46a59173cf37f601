import fc from 'fast-check'
import type { Json } from 'fp-ts/lib/Json.js'
import t from 'tap'
import { readRecords, writeRecord } from '../../lib/files/journal-records.js'

const records = [{ etag: '"7f3c-2"', key: 'a\nb\u2028ü💾' }, [1, '0'], [2, '18446744073709551615'], 'x', null]
const lines = records.map(writeRecord)
const journal = Buffer.concat(lines)

t.test('writeRecord returns a line of text with the checksum that crc32 tools print', async (t) => {
  // printf '[3,"42"]' | crc32 /dev/stdin
  t.equal(Buffer.from(writeRecord([3, '42'])).toString(), 'd544037e [3,"42"]\n')
  t.same(readRecords(Buffer.from('d544037e [3,"42"]\n')), { records: [[3, '42']], end: 18 })
})

t.test('readRecords returns the records that writeRecord wrote', async (t) => {
  t.same(readRecords(journal), { records, end: journal.length })
  t.same(readRecords(new Uint8Array()), { records: [], end: 0 })
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const asJson = values.map((value) => JSON.parse(JSON.stringify(value)) as Json)
      const bytes = Buffer.concat(asJson.map(writeRecord))
      t.same(readRecords(bytes), { records: asJson, end: bytes.length })
    }),
    { seed: 11 }
  )
})

t.test(
  'of a journal cut at any byte, readRecords returns the complete lines and where they end',
  async (t) => {
    for (let at = 0; at <= journal.length; at += 1) {
      let end = 0
      const whole = lines.filter((line) => (end += line.length) <= at)
      t.same(
        readRecords(journal.subarray(0, at)),
        { records: records.slice(0, whole.length), end: Buffer.concat(whole).length },
        `cut at ${String(at)}`
      )
    }
  }
)

t.test('a record appended to a cut journal, after truncation to end, is read', async (t) => {
  for (let at = 0; at <= journal.length; at += 1) {
    const cut = journal.subarray(0, at)
    const { records: before, end } = readRecords(cut)
    const again = Buffer.concat([cut.subarray(0, end), writeRecord('more')])
    t.same(readRecords(again), { records: [...before, 'more'], end: again.length })
  }
})

t.test('a damaged byte loses at most two records, and never adds one', async (t) => {
  for (let at = 0; at < journal.length; at += 1) {
    for (const mask of [0x01, 0x20, 0x80, 0xff]) {
      const bytes = Buffer.from(journal)
      bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at)
      const found = readRecords(bytes).records
      t.ok(found.length >= records.length - 2, `${String(at)} ^ ${String(mask)} loses at most two`)
      t.ok(
        found.every((record) => records.some((one) => JSON.stringify(one) === JSON.stringify(record))),
        `${String(at)} ^ ${String(mask)} adds none`
      )
    }
  }
})

t.test('readRecords returns no records if the bytes are not a journal', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { records: found, end } = readRecords(bytes)
      t.same(found, [])
      t.ok(end <= bytes.length)
    }),
    { seed: 12 }
  )
  // The checksum is correct, but the text is not JSON.
  t.same(readRecords(Buffer.from('2b28ea59 [3,"42"\n')).records, [])
})
