import t from 'tap'
import { send } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { getObjectTagging } from '../../../lib/transfers/copy/get-object-tagging.js'
import { bucket, startCos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'

const at = { bucket, key: 'tagged' }

t.test('the tags of an object are read, and an object without tags has none', async (t) => {
  const cos = await startCos(t)
  for (const tagging of [{ a: '1', 'b c': 'x=&<' }, {}]) {
    right(await send(putObject({ ...at, body: '', tagging }))(cos.client())())
    t.same(right(await send(getObjectTagging(at))(cos.client())()), tagging)
  }
})

t.test('an object that does not exist is a 404', async (t) => {
  const cos = await startCos(t)
  t.match(left(await send(getObjectTagging(at))(cos.client())()), { _tag: 'ServiceError', status: 404 })
})

t.test('an invalid input is a Left, and nothing is sent', async (t) => {
  const cos = await startCos(t)
  t.match(left(await send(getObjectTagging({ ...at, key: '' }))(cos.client())()), {
    _tag: 'InvalidInput',
    field: 'key'
  })
  t.same(cos.operations(), [])
})
