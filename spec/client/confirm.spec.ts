import * as O from 'fp-ts/lib/Option.js'
import { pipe } from 'fp-ts/lib/function.js'
import t from 'tap'
import * as Op from '../../lib/core/operation.js'
import { send } from '../../lib/client/send.js'
import { script } from '../../lib/emulator/index.js'
import { putObject } from '../../lib/operations/put-object.js'
import { bucket, startCos } from '../support/cos.js'
import { left, right } from '../support/server.js'

const input = { bucket, key: 'lock', body: 'mine', forbidOverwrite: true } as const
/** The first put is stored, and its response is lost. */
const lostResponse = {
  operation: 'PutObject',
  times: 1,
  fault: { cut: { at: 'head' }, reset: true }
} as const

t.test('a put with forbidOverwrite whose response was lost succeeds', async (t) => {
  const cos = await startCos(t, { fault: script([lostResponse]) })
  const result = right(await send(putObject(input))(cos.client())())
  t.match(result, { sentCrc64: O.toUndefined(result.crc64), integrity: { _tag: 'Verified' } })
  t.same(
    cos.emulator.requests().map(({ operation }) => operation),
    ['PutObject', 'PutObject', 'HeadObject']
  )
})

t.test('a mapped operation is confirmed too', async (t) => {
  const cos = await startCos(t, { fault: script([lostResponse]) })
  const etag = pipe(
    putObject(input),
    Op.map(({ etag }) => etag)
  )
  t.match(right(await send(etag)(cos.client())()), /^".+"$/)
})

t.test('the refusal stands if another object is there, and has the number of attempts', async (t) => {
  const cos = await startCos(t, {
    fault: ({ operation, count }) =>
      operation === 'PutObject' && count === 2 ? { response: { status: 503, code: 'SlowDown' } } : undefined
  })
  const client = cos.client()
  right(await send(putObject({ ...input, body: 'other' }))(client)())
  t.match(left(await send(putObject(input))(client)()), { status: 409, context: { attempts: 2 } })
})
