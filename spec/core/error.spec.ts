import { inspect } from 'node:util'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  CosException,
  codeOf,
  fromSource,
  fromUnknown,
  contextWithoutObject,
  type Context,
  type CosError
} from '../../lib/core/error.js'
import { formatError } from '../../lib/core/format-error.js'

const context: Context = {
  operation: 'HeadObject',
  bucket: 'examplebucket-1250000000',
  key: O.some('a.txt'),
  attempts: 2
}

const notFound: CosError = {
  _tag: 'ServiceError',
  context,
  status: 404,
  code: 'NoSuchKey',
  message: 'The specified key does not exist.',
  resource: '/a.txt',
  requestId: 'NjYwMQ==',
  traceId: '',
  headers: { server: 'tencent-cos' }
}

t.test('a CosException has the line of its error as its message, and carries the error', async (t) => {
  const thrown = new CosException(notFound)
  t.equal(thrown instanceof Error, true)
  t.equal(thrown.name, 'CosException')
  t.equal(thrown.message, formatError(notFound))
  t.equal(thrown.error, notFound)
  t.equal(fromUnknown(contextWithoutObject('other'))(thrown), notFound)
  t.equal(fromSource(contextWithoutObject('other'))(thrown), notFound)
  t.equal(typeof inspect(thrown), 'string')
})

t.test('any other thrown value is a TransportError, or the SourceError of a caller’s stream', async (t) => {
  const reset = Object.assign(new Error('read'), { code: 'ECONNRESET' })
  const transport = { _tag: 'TransportError', context, host: '', code: 'ECONNRESET', cause: reset }
  t.same(fromUnknown(context)(reset), transport)
  t.same(fromUnknown(context, 'cos.test:9000')(reset), { ...transport, host: 'cos.test:9000' })
  t.same(fromUnknown(context)('text'), { ...transport, code: '', cause: 'text' })
  t.same(fromSource(context)(reset), { _tag: 'SourceError', context, cause: reset })
})

t.test('codeOf returns a code that is text, and an empty text otherwise', async (t) => {
  t.equal(codeOf({ code: 'UND_ERR_SOCKET' }), 'UND_ERR_SOCKET')
  for (const thrown of [undefined, null, 'ECONNRESET', {}, { code: 7 }, new Error('x')])
    t.equal(codeOf(thrown), '')
})
