import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { createClient } from '../../lib/client/client.js'
import { signer, type Credentials } from '../../lib/client/credentials.js'
import { left, right } from '../support/server.js'

const context = contextWithoutObject('Spec')
const pair = {
  secretId: 'AKIDvectorExampleNotARealSecretId001',
  secretKey: 'vectorExampleNotARealSecretKey00001'
}

const countFetches = (each: (count: number) => Credentials) => {
  let count = 0
  return {
    count: () => count,
    source: (): Promise<E.Either<unknown, Credentials>> => {
      count += 1
      const mine = each(count)
      return setTimeout(5, E.right(mine))
    }
  }
}

t.test('parallel requests share one fetch', async (t) => {
  const from = countFetches(() => pair)
  const sign = signer(from.source, Date.now)
  const got = await Promise.all(Array.from({ length: 50 }, () => sign(context)()))
  t.equal(from.count(), 1)
  t.same(new Set(got.map((each) => right(each)?.secretId)), new Set([pair.secretId]))
  await sign(context)()
  t.equal(from.count(), 1, 'credentials without expiresAt are kept')
})

t.test('credentials are fetched again five minutes before they expire', async (t) => {
  let now = 1_700_000_000_000
  const from = countFetches((count) => ({
    ...pair,
    sessionToken: `t${String(count)}`,
    expiresAt: new Date(now + 3_600_000)
  }))
  const sign = signer(from.source, () => now)
  const fetchToken = async () => right(await sign(context)())?.sessionToken
  t.equal(await fetchToken(), 't1')
  now += 54 * 60_000
  t.equal(await fetchToken(), 't1')
  now += 61_000
  t.equal(await fetchToken(), 't2')
})

t.test('credentials that live less than ten minutes are fetched again after half their life', async (t) => {
  let now = 1_700_000_000_000
  const from = countFetches(() => ({ ...pair, expiresAt: new Date(now + 60_000) }))
  const sign = signer(from.source, () => now)
  await sign(context)()
  now += 29_000
  await sign(context)()
  t.equal(from.count(), 1)
  now += 2_000
  await sign(context)()
  t.equal(from.count(), 2)
})

t.test('a failed fetch is a CredentialsError, and is not cached', async (t) => {
  let count = 0
  const sign = signer(async () => {
    count += 1
    if (count === 1) return E.left(new Error('no route'))
    if (count === 2) throw new Error('a bug')
    return E.right(pair)
  }, Date.now)
  t.match(left(await sign(context)()), { _tag: 'CredentialsError', problem: 'no route' })
  t.match(left(await sign(context)()), { _tag: 'CredentialsError', problem: 'a bug' })
  t.equal(right(await sign(context)())?.secretId, pair.secretId)
})

t.test('fetched credentials are validated', async (t) => {
  const sign = signer(TE.right({ ...pair, secretKey: ' padded' }), Date.now)
  t.match(left(await sign(context)()), { _tag: 'CredentialsError', problem: /^secretKey: must be/ })
})

t.test('a missing or malformed secret is a Left that names the field and does not repeat the value', (t) => {
  const wrong: ReadonlyArray<readonly [string, unknown]> = [
    ['credentials', undefined],
    ['credentials', 'anyone'],
    ['credentials.secretKey', { secretId: 'x' }],
    ['credentials.secretId', { ...pair, secretId: '' }],
    ['credentials.secretKey', { ...pair, secretKey: 'with space after ' }],
    ['credentials.sessionToken', { ...pair, sessionToken: 'a\nb' }],
    ['credentials.token', { ...pair, token: 'misspelt' }]
  ]
  for (const [field, credentials] of wrong) {
    const error = left(createClient({ region: 'ap-guangzhou', credentials: credentials as Credentials }))
    t.match(error, { _tag: 'InvalidInput', field })
    t.notMatch(JSON.stringify(error), /with space|misspelt/)
  }
  t.end()
})

t.test('refused credentials are fetched again, once for parallel calls; a fixed pair stays', async (t) => {
  const from = countFetches((count) => ({ ...pair, sessionToken: `t${String(count)}` }))
  const sign = signer(from.source, Date.now)
  const first = right(await sign(context)())
  const anew = await Promise.all(Array.from({ length: 9 }, () => sign(context, first)()))
  t.same(new Set(anew.map((each) => right(each)?.sessionToken)), new Set(['t2']))
  t.equal(right(await sign(context, first)())?.sessionToken, 't2', 'the new credentials are in the cache')
  t.equal(from.count(), 2)
  t.equal(right(await signer(pair, Date.now)(context, pair)()), pair)
})
