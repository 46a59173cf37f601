import t from 'tap'
import * as D from '../../../lib/emulator/server/der.js'

// Known answers of ITU-T X.690 and RFC 5280.
t.test('values are encoded as in the standards', async (t) => {
  const hex = (der: Buffer): string => der.toString('hex')
  t.equal(hex(D.oid('1.2.840.113549')), '06062a864886f70d')
  t.equal(hex(D.oid('2.5.29.17')), '0603551d11')
  t.equal(hex(D.boolean(true)), '0101ff')
  t.equal(hex(D.integer(Buffer.from([0x80]))), '02020080', 'a positive integer')
  t.equal(hex(D.integer(Buffer.from([0x7f]))), '02017f')
  t.equal(hex(D.bits(Buffer.from([0x6e, 0x5d, 0xc0]), 6)), '0304066e5dc0')
  t.equal(hex(D.text('ä')), '0c02c3a4')
  t.equal(hex(D.explicit(0, D.integer(Buffer.from([2])))), 'a003020102')
  t.equal(hex(D.sequence(D.octets(Buffer.alloc(0)))), '30020400')
  t.equal(hex(D.octets(Buffer.alloc(200))).slice(0, 8), '0481c800')
  t.equal(hex(D.octets(Buffer.alloc(300))).slice(0, 8), '0482012c')
  t.equal(D.time(new Date('2049-12-31T23:59:59Z')).toString('latin1'), '\x17\x0d491231235959Z')
  t.equal(D.time(new Date('2050-01-01T00:00:00Z')).toString('latin1'), '\x18\x0f20500101000000Z')
})
