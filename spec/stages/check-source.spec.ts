import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { startSourceCheck } from '../../lib/stages/check-source.js'

const context = contextWithoutObject('uploadStream')

const failure = (message: string) => ({
  name: 'CosException',
  error: { _tag: 'SourceError', context, cause: { message } }
})

t.test('chunks of bytes pass if there are as many bytes as announced, or no length is announced', (t) => {
  for (const length of [{ length: 5 }, {}]) {
    const check = startSourceCheck({ context, ...length })
    for (const chunk of [Buffer.alloc(2), new Uint8Array(), new Uint8Array(3)]) check.add(chunk)
    check.end()
  }
  t.end()
})

t.test('text, too many bytes and too few bytes are a SourceError', (t) => {
  const check = startSourceCheck({ context, length: 5 })
  t.throws(() => check.add('text' as never), failure('a chunk is not bytes (encode text first)'))
  check.add(Buffer.alloc(4))
  t.throws(check.end, failure('ended after 4 bytes, expected 5 (length)'))
  t.throws(() => check.add(Buffer.alloc(2)), failure('more than the expected 5 bytes (length)'))
  t.end()
})
