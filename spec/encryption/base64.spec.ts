import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { decodeBase64 } from '../../lib/encryption/base64.js'

t.test('base64 with padding is decoded, and white space around it is ignored', async (t) => {
  t.same(decodeBase64('AAEC'), O.some(Buffer.of(0, 1, 2)))
  t.same(decodeBase64('+/8='), O.some(Buffer.of(0xfb, 0xff)))
  t.same(decodeBase64(' AAEC\n'), O.some(Buffer.of(0, 1, 2)))
  t.same(decodeBase64(''), O.some(Buffer.of()))
})

t.test('text with another alphabet, wrong padding or unused bits is none', async (t) => {
  for (const text of ['AAE', 'AAEC=', '-_8=', 'AA EC', 'AA\nEC', 'AAEC!', '+/9=', 'é', 'AAEC\0', 'A']) {
    t.same(decodeBase64(text), O.none, JSON.stringify(text))
  }
})
