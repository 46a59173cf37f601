import { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { systemRuntime } from '../../lib/core/runtime.js'
import type { Response } from '../../lib/core/response.js'
import type { Send } from '../../lib/client/call.js'
import {
  createClock,
  isClockSkewError,
  withClockCorrection,
  withProvenClock
} from '../../lib/client/clock.js'
import { newCall, request, requestOnce, createScripted, serviceError } from '../support/layers.js'
import { at, clientOf } from '../support/server.js'

const hour = 3_600_000
const skewError = (ahead: number) =>
  E.left(serviceError(403, 'RequestTimeTooSkewed', { date: new Date(Date.now() + ahead).toUTCString() }))

t.test('a corrected clock runs on from the time it was set to', (t) => {
  const clock = createClock(systemRuntime)
  t.ok(Math.abs(clock.now() - Date.now()) < 1000)
  clock.set(Date.now() - hour)
  t.ok(Math.abs(clock.now() - Date.now() + hour) < 1000)
  t.end()
})

t.test('a refusal of our time is recognized by its code, and one without a body by its status', (t) => {
  const head = serviceError(403, 'Forbidden')
  t.ok(isClockSkewError(serviceError(403, 'RequestTimeTooSkewed')))
  t.ok(isClockSkewError({ ...serviceError(403, 'AccessDenied'), message: 'Request has expired' }))
  t.ok(isClockSkewError({ ...head, context: { ...head.context, operation: 'HeadObject' } }))
  // Of a body that broke off. The refusals of COS have a message.
  t.ok(isClockSkewError(serviceError(403, 'AccessDenied')))
  t.notOk(isClockSkewError({ ...serviceError(403, 'AccessDenied'), message: 'Access Denied.' }))
  t.notOk(isClockSkewError(head))
  t.end()
})

t.test(
  'a refused time is corrected by the Date of the response, and the request is sent again',
  async (t) => {
    const client = clientOf(t, '127.0.0.1:1')()
    const inside = createScripted(skewError(hour), E.right('done'))
    t.same(await withClockCorrection(client)(inside.send)(request, newCall())(), E.right('done'))
    t.ok(Math.abs(client.clock.now() - Date.now() - hour) < 2000)
  }
)

t.test('one correction is made for an attempt, and none if the Date agrees with our clock', async (t) => {
  const far = createScripted(skewError(hour), skewError(-hour), E.right('no'))
  const near = createScripted(skewError(0), E.right('no'))
  const silent = createScripted(E.left(serviceError(403, 'RequestTimeTooSkewed')), E.right('no'))
  for (const [inside, attempts] of [
    [far, 2],
    [near, 1],
    [silent, 1]
  ] as const) {
    const client = clientOf(t, '127.0.0.1:1')()
    t.ok(E.isLeft(await withClockCorrection(client)(inside.send)(request, newCall())()))
    t.equal(inside.calls.length, attempts)
  }
})

t.test('a body that can be read once corrects the clock for the next call', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const inside = createScripted(skewError(hour), E.right('no'))
  t.ok(E.isLeft(await withClockCorrection(client)(inside.send)(requestOnce, newCall())()))
  t.equal(inside.calls.length, 1)
  t.ok(Math.abs(client.clock.now() - Date.now() - hour) < 2000)
})

t.test('parallel calls that were signed with the wrong clock are all sent again', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const calls = Array.from({ length: 3 }, () => createScripted(skewError(hour), E.right('done')))
  const results = await Promise.all(
    calls.map(({ send }) => withClockCorrection(client)(send)(request, newCall())())
  )
  t.same(
    results,
    calls.map(() => E.right('done'))
  )
})

t.test('a success proves the clock, and so does a refusal with a Date near our time', async (t) => {
  for (const [result, isProven] of [
    [E.right('done'), true],
    [E.left(serviceError(404, 'NoSuchKey', { date: new Date().toUTCString() })), true],
    [E.left(serviceError(404, 'NoSuchKey', { date: new Date(Date.now() - hour).toUTCString() })), false],
    [E.left(serviceError(404, 'NoSuchKey')), false]
  ] as const) {
    const client = clientOf(t, '127.0.0.1:1')()
    t.notOk(client.clock.isProven())
    await withClockCorrection(client)(createScripted(result).send)(request, newCall())()
    t.equal(client.clock.isProven(), isProven)
  }
})

const response = (date: string): Response => ({
  status: 403,
  host: 'spec',
  headers: { date },
  body: Readable.from([]),
  sent: { size: 0, crc64: O.none },
  context: newCall().context()
})

t.test('before a body that can be read once, one HEAD proves the clock', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const heads: Array<string> = []
  const head: Send<Response> = ({ method, key }, call) =>
    TE.rightIO(() => {
      heads.push(`${method} ${O.toUndefined(key) ?? ''} ${call.context().operation}`)
      return response(new Date(Date.now() + hour).toUTCString())
    })
  const clocks: Array<number> = []
  const put: Send<string> = () =>
    TE.rightIO(() => {
      clocks.push(client.clock.now() - Date.now() - hour)
      return 'done'
    })
  const send = withProvenClock(client, () => head)(put)
  await Promise.all([send(requestOnce, newCall())(), send(requestOnce, newCall())()])
  await send(requestOnce, newCall())()
  t.same(heads, [`HEAD ${at.key} HeadObject`])
  t.ok(clocks.every((difference) => Math.abs(difference) < 2000))
  t.equal(clocks.length, 3)
})

t.test(
  'a body that can be sent again needs no HEAD, and a HEAD that fails does not stop the request',
  async (t) => {
    const client = clientOf(t, '127.0.0.1:1')()
    let heads = 0
    const head: Send<Response> = () => {
      heads += 1
      return TE.left(serviceError(503, 'SlowDown'))
    }
    const inside = createScripted(E.right('done'))
    const send = withProvenClock(client, () => head)(inside.send)
    t.same(await send(request, newCall())(), E.right('done'))
    t.equal(heads, 0)
    t.same(await send(requestOnce, newCall())(), E.right('done'))
    t.equal(heads, 1)
  }
)
