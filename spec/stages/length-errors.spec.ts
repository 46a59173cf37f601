import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { shortBody, wrongSize } from '../../lib/stages/length-errors.js'
import { specContext } from '../support/responses.js'

t.test('a short body is a TransportError, which is retried', (t) => {
  const { error } = shortBody(specContext, '127.0.0.1', 9, 8)
  t.match(error, {
    _tag: 'TransportError',
    host: '127.0.0.1',
    code: 'ShortBody',
    cause: { message: 'the body ended after 8 of 9 bytes' }
  })
  t.end()
})

t.test('a wrong number of bytes is an IntegrityError of the body, or of a part', (t) => {
  t.match(wrongSize(specContext, 9, 10).error, {
    _tag: 'IntegrityError',
    context: specContext,
    part: O.none,
    check: 'size',
    expected: '9',
    got: '10'
  })
  t.match(wrongSize(specContext, 9, 8, O.some(3)).error, { part: O.some(3), expected: '9', got: '8' })
  t.end()
})
