import { createSecretKey } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { unwrapRfc3394, wrapRfc3394 } from '../../lib/encryption/aes-key-wrap.js'

// RFC 3394, section 4.6: 256 bits of key data with a key of 256 bits.
const key = createSecretKey(
  Buffer.from('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F', 'hex')
)
const dataKey = Buffer.from('00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F', 'hex')
const wrapped = Buffer.from(
  '28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21',
  'hex'
)

t.test('wrapRfc3394 and unwrapRfc3394 agree with the vector of RFC 3394', (t) => {
  t.same(wrapRfc3394(key, dataKey), wrapped)
  t.same(unwrapRfc3394(key, wrapped), O.some(dataKey))
  t.end()
})

t.test('unwrapRfc3394 returns none for another key and for changed bytes', (t) => {
  t.same(unwrapRfc3394(createSecretKey(dataKey), wrapped), O.none)
  t.same(
    unwrapRfc3394(
      key,
      wrapped.map((byte, at) => (at === 39 ? byte ^ 1 : byte))
    ),
    O.none
  )
  t.same(unwrapRfc3394(key, wrapped.subarray(0, 32)), O.none)
  t.end()
})
