import { inspect } from 'node:util'
import t from 'tap'
import { formatError } from '../../lib/core/format-error.js'
import { aesKey } from '../../lib/encryption/aes-key.js'
import { isMasterKey, ownIdOf, secretOf } from '../../lib/encryption/master-key.js'
import { secretForms, shownForms } from '../support/secret-forms.js'
import { left, right } from '../support/server.js'

const secret = Buffer.from('0123456789abcdef0123456789abcdef')

t.test('a key of 32 bytes or its base64 has the same derived id', async (t) => {
  const key = right(aesKey(secret))
  t.equal(key.kind, 'aes')
  t.match(key.id, /^aes-[0-9a-f]{16}$/)
  t.equal(right(aesKey(secret.toString('base64'))).id, key.id)
  t.equal(right(aesKey(`${secret.toString('base64')}\n`)).id, key.id)
  t.not(right(aesKey(Buffer.alloc(32, 1))).id, key.id)
  t.ok(isMasterKey(key))
  t.match(ownIdOf(key), { _tag: 'None' })
})

t.test('an id of the caller is kept', async (t) => {
  const key = right(aesKey(secret, { id: '2026' }))
  t.equal(key.id, '2026')
  t.match(ownIdOf(key), { _tag: 'Some', value: '2026' })
})

t.test('16 and 24 bytes are refused, and allowed with legacyLength', async (t) => {
  for (const length of [16, 24]) {
    t.match(left(aesKey(Buffer.alloc(length))), { field: 'secret', message: /legacyLength/ })
    right(aesKey(Buffer.alloc(length), { legacyLength: true }))
  }
  // A password of 32 letters is base64 of 24 bytes.
  t.match(left(aesKey('abcdefghijklmnopqrstuvwxyzabcdef')), { field: 'secret' })
  for (const length of [0, 15, 31, 33, 64]) {
    t.match(left(aesKey(Buffer.alloc(length), { legacyLength: true })), { field: 'secret' })
  }
})

t.test('invalid input is InvalidInput that names the field and not the value', async (t) => {
  const text = `${secret.toString('base64')}!`
  for (const [error, field] of [
    [left(aesKey(text)), 'secret'],
    [left(aesKey(5 as never)), 'secret'],
    [left(aesKey(secret, { id: '' })), 'id'],
    [left(aesKey(secret, { id: 'é' })), 'id'],
    [left(aesKey(secret, { id: 'x'.repeat(65) })), 'id'],
    [left(aesKey(secret, { name: 'x' } as never)), 'name']
  ] as const) {
    t.match(error, { _tag: 'InvalidInput', field })
    t.notMatch(inspect(error) + formatError(error), /MDEyMzQ1/)
  }
})

t.test('a key does not show its secret, and a later change of the bytes does not change it', async (t) => {
  const bytes = Buffer.from(secret)
  const key = right(aesKey(bytes))
  const shown = shownForms(key)
  for (const form of secretForms(secret)) t.notOk(shown.includes(form), form)
  bytes.fill(0)
  const found = secretOf(key)
  t.ok(
    found._tag === 'Some' && found.value.kind === 'aes' && found.value.key.export().equals(secret),
    'the key has its own copy'
  )
  t.notOk(isMasterKey({ ...key }), 'a copy of the value is not a key')
  t.throws(() => Object.assign(key, { id: 'x' }))
})
