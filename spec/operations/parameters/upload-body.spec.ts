import { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import * as In from '../../../lib/core/input.js'
import * as R from '../../../lib/core/request.js'
import {
  consistentBody,
  sizedBody,
  uploadBody,
  withUploadBody,
  type UploadBody
} from '../../../lib/operations/parameters/upload-body.js'
import { at, validateWith, plainRequest } from '../../support/operations.js'

const Group = In.struct<UploadBody>('the group', uploadBody)
const sent = (input: unknown, codec = consistentBody(Group)) => {
  const checked = validateWith(codec)(input)
  return E.isRight(checked) ? plainRequest(pipe(R.put(at), withUploadBody(checked.right))) : checked.left
}

const md5 = 'XrY7u+Ae7tCTyyK7j1rNww=='
const stream = () => Readable.from([Buffer.from('hello world')])
const open = () => stream()

t.test('each form of body is accepted', async (t) => {
  t.match(sent({ body: 'hello 腾讯' }), { body: 'hello 腾讯', headers: {}, computeMd5: false })
  t.match(sent({ body: Buffer.from('bytes') }), { body: 'bytes' })
  t.match(sent({ body: '' }), { body: '' })
  t.match(sent({ body: { file: 'a.txt' } }), {
    body: { _tag: 'File', path: 'a.txt', start: 0, size: O.none }
  })
  t.match(sent({ body: { open, size: 11 } }), { body: { _tag: 'Replayable', size: 11 } })
  t.match(sent({ body: stream() }), { body: { _tag: 'Once', size: O.none } })
})

t.test('contentLength is for streams; other bodies have a length', async (t) => {
  t.match(sent({ body: stream(), contentLength: 11 }), { body: { _tag: 'Once', size: O.some(11) } })
  t.match(sent({ body: '腾', contentLength: 3 }), { body: '腾' })
  t.match(sent({ body: '', contentLength: 0 }), { body: '' })
  t.equal(sent({ body: '腾', contentLength: 1 }), 'contentLength: must be 3, the size of the body in bytes')
  t.equal(
    sent({ body: { open, size: 11 }, contentLength: 5 }),
    'contentLength: must be 11, the size of the body in bytes'
  )
  t.equal(
    sent({ body: { file: 'a.txt' }, contentLength: 5 }),
    'contentLength: not supported for a file body (the file is measured when it is sent)'
  )
  for (const wrong of [-1, 0.5, '11', NaN]) {
    t.equal(
      sent({ body: stream(), contentLength: wrong }),
      'contentLength: must be an integer, at least 0 (bytes)'
    )
  }
})

t.test('a part of a stream needs contentLength', async (t) => {
  const measured = sizedBody(Group)
  t.equal(sent({ body: stream() }, measured), 'contentLength: is required for a stream body, in bytes')
  t.match(sent({ body: stream(), contentLength: 11 }, measured), { body: { _tag: 'Once' } })
  for (const body of ['hello', { file: 'a.txt' }, { open, size: 11 }]) {
    t.match(sent({ body }, measured), { method: 'PUT' })
  }
})

t.test('an MD5 is given, or computed for a replayable body', async (t) => {
  t.match(sent({ body: 'hello world', contentMd5: md5 }), {
    headers: { 'content-md5': md5 },
    computeMd5: false
  })
  for (const body of ['hello', { file: 'a.txt' }, { open, size: 11 }]) {
    t.match(sent({ body, enableMd5: true }), { computeMd5: true })
  }
  t.match(sent({ body: 'hello', enableMd5: false }), { computeMd5: false })
  // An MD5 that is given is not computed, so that a stream is accepted.
  t.match(sent({ body: stream(), contentMd5: md5, enableMd5: true }), { computeMd5: false })
  t.equal(
    sent({ body: stream(), enableMd5: true }),
    'enableMd5: not supported for a stream body (it can be read only once); pass contentMd5 or a replayable body'
  )
  for (const wrong of ['', 'XrY7u', '5eb63bbbe01eeed093cb22bb8f5acdc3', `${md5}\n`, 3]) {
    t.equal(
      sent({ body: 'a', contentMd5: wrong }),
      'contentMd5: must be base64 of the 16 bytes of an MD5 (24 characters)'
    )
  }
})

t.test('expectContinue is sent only if set', async (t) => {
  t.match(sent({ body: 'a' }), { expectContinue: false })
  t.match(sent({ body: 'a', expectContinue: true }), { expectContinue: true })
})

t.test('an invalid body is an InvalidInput that names the field', async (t) => {
  for (const body of [
    undefined,
    null,
    3,
    {},
    { file: '' },
    { open, size: -1 },
    { open },
    [Buffer.from('a')]
  ]) {
    t.match(sent({ body }), /^body: (?:is required$|must be a string, a Uint8Array)/)
  }
  t.equal(sent({ body: 'a', enableMd5: 'yes' }), 'enableMd5: must be true or false')
  t.equal(sent({ body: 'a', expectContinue: 'yes' }), 'expectContinue: must be true or false')
})
