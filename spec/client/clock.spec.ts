import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { createClock, isClockSkewError, withClockCorrection } from '../../lib/client/clock.js'
import { newCall, request, requestOnce, scripted, serviceError } from '../support/layers.js'
import { clientOf } from '../support/server.js'

const hour = 3_600_000
const skewed = (ahead: number) =>
  E.left(serviceError(403, 'RequestTimeTooSkewed', { date: new Date(Date.now() + ahead).toUTCString() }))

t.test('a corrected clock runs on from the time it was set to', (t) => {
  const clock = createClock()
  t.ok(Math.abs(clock.now() - Date.now()) < 1000)
  clock.set(Date.now() - hour)
  t.ok(Math.abs(clock.now() - Date.now() + hour) < 1000)
  t.end()
})

t.test('a refusal of our time is recognized by its code, and that of a HEAD by its status', (t) => {
  const head = serviceError(403, 'Forbidden')
  t.ok(isClockSkewError(serviceError(403, 'RequestTimeTooSkewed')))
  t.ok(isClockSkewError({ ...serviceError(403, 'AccessDenied'), message: 'Request has expired' }))
  t.ok(isClockSkewError({ ...head, context: { ...head.context, operation: 'HeadObject' } }))
  t.notOk(isClockSkewError(serviceError(403, 'AccessDenied')))
  t.notOk(isClockSkewError(head))
  t.end()
})

t.test('a refused time is corrected by the Date of the answer, and the request is sent again', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const inside = scripted(skewed(hour), E.right('done'))
  t.same(await withClockCorrection(client)(inside.send)(request, newCall())(), E.right('done'))
  t.ok(Math.abs(client.clock.now() - Date.now() - hour) < 2000)
})

t.test('one correction is made for an attempt, and none if the Date agrees with our clock', async (t) => {
  const far = scripted(skewed(hour), skewed(-hour), E.right('no'))
  const near = scripted(skewed(0), E.right('no'))
  const silent = scripted(E.left(serviceError(403, 'RequestTimeTooSkewed')), E.right('no'))
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
  const inside = scripted(skewed(hour), E.right('no'))
  t.ok(E.isLeft(await withClockCorrection(client)(inside.send)(requestOnce, newCall())()))
  t.equal(inside.calls.length, 1)
  t.ok(Math.abs(client.clock.now() - Date.now() - hour) < 2000)
})
