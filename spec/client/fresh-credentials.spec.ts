import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import type { Credentials, CredentialsSource } from '../../lib/client/credentials.js'
import { withFreshCredentials } from '../../lib/client/fresh-credentials.js'
import {
  newCall,
  request,
  requestOnce,
  createScripted,
  serviceError,
  type Result
} from '../support/layers.js'
import { clientOf, credentials } from '../support/server.js'

const expired = E.left(serviceError(400, 'ExpiredToken'))

/** A source of tokens t1, t2... */
const tokens = (): CredentialsSource => {
  let count = 0
  return async () => {
    count += 1
    return E.right({ ...credentials, sessionToken: `t${String(count)}` })
  }
}

/** The layer over scripted results, and the tokens that were sent. */
const layer = (
  t: Parameters<typeof clientOf>[0],
  source: CredentialsSource,
  ...results: ReadonlyArray<Result>
) => {
  const inside = createScripted(...results)
  const used: Array<string | undefined> = []
  const send = withFreshCredentials(clientOf(t, '127.0.0.1:1')({ credentials: source }))((
    given: Credentials | undefined
  ) => {
    used.push(given?.sessionToken)
    return inside.send
  })
  return { send, used }
}

t.test('a token that COS calls expired is replaced once', async (t) => {
  const renewed = layer(t, tokens(), expired, E.right('done'))
  t.same(await renewed.send(request, newCall())(), E.right('done'))
  t.same(renewed.used, ['t1', 't2'])
  const refused = layer(t, tokens(), expired, expired, E.right('no'))
  t.same(await refused.send(request, newCall())(), expired)
  t.same(refused.used, ['t1', 't2'])
})

t.test("the error is COS's if the source has no other token, or fails", async (t) => {
  const same = layer(t, TE.right({ ...credentials, sessionToken: 'same' }), expired)
  t.same(await same.send(request, newCall())(), expired)
  t.same(same.used, ['same'])
  let count = 0
  const source: CredentialsSource = async () => {
    count += 1
    return count === 1 ? E.right({ ...credentials, sessionToken: 't' }) : E.left('gone')
  }
  const failing = layer(t, source, expired)
  t.same(await failing.send(request, newCall())(), expired)
})

t.test('for a body that can be read once the token is replaced for the next call', async (t) => {
  const { send, used } = layer(t, tokens(), expired, E.right('done'))
  t.same(await send(requestOnce, newCall())(), expired)
  t.same(await send(requestOnce, newCall())(), E.right('done'))
  t.same(used, ['t1', 't2'])
})

t.test('without credentials nothing is sent, and an anonymous client sends unsigned', async (t) => {
  const poor = layer(t, TE.left(new Error('no route')), E.right('no'))
  t.match(
    await poor.send(request, newCall())(),
    E.left({ _tag: 'CredentialsError', context: { attempts: 0 } })
  )
  t.same(poor.used, [])
  const anonymous = layer(t, 'anonymous', E.right('done'))
  t.same(await anonymous.send(request, newCall())(), E.right('done'))
  t.same(anonymous.used, [undefined])
})
