import t from 'tap'
import { aesKey } from '../../lib/encryption/aes-key.js'
import { hasRepeatedId, isKeyring, keyring, keysOf, toKeyring } from '../../lib/encryption/keyring.js'
import { right } from '../support/server.js'

const [a, b, again] = ['a', 'b', 'a'].map((id) => right(aesKey(Buffer.alloc(32, 1), { id })))

t.test('the first key writes and all keys read', async (t) => {
  const ring = keyring(a!, b!)
  t.equal(ring.writes, a)
  t.same(keysOf(ring), [a, b])
  t.same(keysOf(toKeyring(a!)), [a])
  t.equal(toKeyring(ring), ring)
})

t.test('a keyring has keys and no other values', async (t) => {
  t.ok(isKeyring(keyring(a!, b!)))
  for (const other of [
    undefined,
    null,
    {},
    a,
    { writes: a },
    { writes: a, reads: [{ ...b }] },
    { writes: { ...a }, reads: [] }
  ])
    t.notOk(isKeyring(other))
})

t.test('two keys with one id are a repeated id', async (t) => {
  t.notOk(hasRepeatedId(keyring(a!, b!)))
  t.ok(hasRepeatedId(keyring(a!, again!)))
})
