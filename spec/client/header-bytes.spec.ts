/** Header values in Latin-1: the bytes that are sent are signed, stored and returned. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { send } from '../../lib/client/send.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { bucket, startCos } from '../support/cos.js'
import { right } from '../support/server.js'

const at = { bucket, key: 'k' }
const metadata = { author: 'Müller' }
const contentDisposition = 'attachment; filename="Müller.txt"'

t.test('metadata and headers in Latin-1 are accepted and returned, with and without Expect', async (t) => {
  const cos = await startCos(t)
  for (const expectContinue of [false, true]) {
    const input = { ...at, body: 'x', metadata, contentDisposition, expectContinue }
    right(await send(putObject(input))(cos.client({ retry: { attempts: 1 } }))())
    const head = right(await send(headObject(at))(cos.client())())
    t.match(head, { metadata, contentDisposition: O.some(contentDisposition) })
  }
})
