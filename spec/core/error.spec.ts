import { inspect } from 'node:util'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  CosException,
  codeOf,
  formatError,
  fromSource,
  fromUnknown,
  contextWithoutObject,
  type Context,
  type CosError
} from '../../lib/core/error.js'

const context: Context = {
  operation: 'HeadObject',
  bucket: 'examplebucket-1250000000',
  key: O.some('a.txt'),
  attempts: 2
}

const refused: CosError = {
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

const each: ReadonlyArray<readonly [error: CosError, line: string]> = [
  [{ _tag: 'InvalidInput', context, field: 'key', expected: 'text' }, 'key should be text'],
  [{ _tag: 'InvalidInput', context, field: '', expected: 'an object' }, 'the input should be an object'],
  [refused, '404 NoSuchKey: The specified key does not exist. (request NjYwMQ==)'],
  [{ ...refused, requestId: '', message: '' }, '404 NoSuchKey: '],
  [{ _tag: 'DecodeError', context, status: 200, problems: ['a', 'b'], requestId: '' }, 'a; b'],
  [{ _tag: 'TransportError', context, code: 'ECONNRESET', cause: new Error('x') }, 'ECONNRESET'],
  [{ _tag: 'TransportError', context, code: '', cause: new TypeError('odd') }, 'TypeError: odd'],
  [{ _tag: 'Timeout', context, phase: 'idle', after: 30_000 }, 'idle deadline of 30000 ms passed'],
  [{ _tag: 'Aborted', context, reason: undefined }, 'the signal fired'],
  [
    { _tag: 'IntegrityError', context, part: O.some(3), check: 'crc64', expected: '1', got: '2' },
    'crc64 of part 3 should be 1, is 2'
  ],
  [
    { _tag: 'IntegrityError', context, part: O.none, check: 'size', expected: '1', got: '2' },
    'size should be 1, is 2'
  ],
  [{ _tag: 'ObjectChanged', context, expected: '"x"', got: O.some('"y"') }, 'ETag was "x", is "y"'],
  [{ _tag: 'ObjectChanged', context, expected: '"x"', got: O.none }, 'ETag was "x", is unknown'],
  [{ _tag: 'SourceError', context, cause: new Error('disk') }, 'Error: disk'],
  [{ _tag: 'SourceError', context, cause: 'gone' }, 'gone'],
  [{ _tag: 'SourceError', context, cause: Object.create(null) }, 'a thrown object'],
  [{ _tag: 'SourceError', context, cause: Symbol('s') }, 'a thrown symbol'],
  [{ _tag: 'FileError', context, path: '/tmp/a', code: 'ENOSPC', cause: undefined }, 'ENOSPC /tmp/a'],
  [{ _tag: 'CredentialsError', context, problem: 'no COS_SECRET_ID' }, 'no COS_SECRET_ID'],
  [
    { _tag: 'MissingPackage', context, name: 'csv-parse', purpose: 'read rows of CSV', cause: undefined },
    'csv-parse is not installed, and is needed to read rows of CSV: npm install csv-parse'
  ]
]

t.test('every error is one line that says what failed, of which call, on what', async (t) => {
  for (const [error, details] of each) {
    t.equal(formatError(error), `${error._tag} in HeadObject examplebucket-1250000000/a.txt: ${details}`)
  }
  const bucketOnly = { ...refused, context: { ...context, key: O.none } }
  t.match(formatError(bucketOnly), /^ServiceError in HeadObject examplebucket-1250000000: /)
  t.match(
    formatError({ ...refused, context: contextWithoutObject('createClient') }),
    /^ServiceError in createClient: /
  )
})

t.test('no key and no message can add a line to a log', async (t) => {
  const forged = {
    ...refused,
    message: 'x\r\n2024 all is well\u2028\u001b[2J',
    context: { ...context, key: O.some('a\nb') }
  }
  t.notMatch(formatError(forged), /\p{Cc}|\u2028/u)
  t.match(formatError(forged), /a b: 404 NoSuchKey: x 2024 all is well \[2J/)
})

t.test('the envelope is an Error that says the same and gives back what it holds', async (t) => {
  for (const [error] of each) {
    const failure = new CosException(error)
    t.equal(failure instanceof Error, true)
    t.equal(failure.name, 'CosException')
    t.equal(failure.message, formatError(error))
    t.equal(fromUnknown(contextWithoutObject('other'))(failure), error)
    t.equal(fromSource(contextWithoutObject('other'))(failure), error)
    t.equal(typeof inspect(failure), 'string')
  }
})

t.test('what is not ours broke on the way, or in the caller’s own stream', async (t) => {
  const reset = Object.assign(new Error('read'), { code: 'ECONNRESET' })
  t.same(fromUnknown(context)(reset), { _tag: 'TransportError', context, code: 'ECONNRESET', cause: reset })
  t.same(fromUnknown(context)('text'), { _tag: 'TransportError', context, code: '', cause: 'text' })
  t.same(fromSource(context)(reset), { _tag: 'SourceError', context, cause: reset })
})

t.test('a code is text, or there is none', async (t) => {
  t.equal(codeOf({ code: 'UND_ERR_SOCKET' }), 'UND_ERR_SOCKET')
  for (const thrown of [undefined, null, 'ECONNRESET', {}, { code: 7 }, new Error('x')])
    t.equal(codeOf(thrown), '')
})
