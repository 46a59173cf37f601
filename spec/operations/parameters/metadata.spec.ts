import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  entityHeaders,
  entityMetadata,
  entityNames,
  type EntityMetadata
} from '../../../lib/operations/parameters/metadata.js'
import { validateFields, withoutUndefined } from '../../support/operations.js'

const judge = validateFields<EntityMetadata>(entityMetadata)
const headers = (input: unknown) => {
  const checked = judge(input)
  return E.isRight(checked) ? withoutUndefined(entityHeaders(checked.right)) : checked.left
}

t.test('without fields no header is sent', async (t) => {
  t.same(headers({}), {})
})

t.test('each field is sent as its header', async (t) => {
  const all = {
    cacheControl: 'max-age=60',
    contentDisposition: 'attachment; filename="a.txt"',
    contentEncoding: 'gzip',
    contentLanguage: 'zh-CN',
    contentType: 'text/plain',
    expires: new Date('2024-05-01T08:31:00.999Z'),
    metadata: { color: 'red' }
  }
  t.same(headers(all), {
    'cache-control': 'max-age=60',
    'content-disposition': 'attachment; filename="a.txt"',
    'content-encoding': 'gzip',
    'content-language': 'zh-CN',
    'content-type': 'text/plain',
    expires: 'Wed, 01 May 2024 08:31:00 GMT',
    'x-cos-meta-color': 'red'
  })
  t.same(Object.keys(all), entityNames)
})

t.test('expires may be any text', async (t) => {
  t.same(headers({ expires: '0' }), { expires: '0' })
  t.same(headers({ expires: new Date(NaN) }), 'expires: must be a valid Date')
  t.match(headers({ expires: 0 }), /^expires: must be a valid Date, or a string/)
})

t.test('metadata names may have the prefix, and any case', async (t) => {
  t.same(headers({ metadata: { a: '1', 'x-cos-meta-b': '2', 'X-Cos-Meta-C-d': '3', E5: '4' } }), {
    'x-cos-meta-a': '1',
    'x-cos-meta-b': '2',
    'x-cos-meta-c-d': '3',
    'x-cos-meta-e5': '4'
  })
})

t.test('metadata values are sent as percent-encoded UTF-8', async (t) => {
  t.same(headers({ metadata: { a: 'Müller', b: '红', c: '50%', d: 'a%20b' } }), {
    'x-cos-meta-a': 'M%C3%BCller',
    'x-cos-meta-b': '%E7%BA%A2',
    'x-cos-meta-c': '50%',
    'x-cos-meta-d': 'a%2520b'
  })
})

t.test('ambiguous or invalid metadata names are an InvalidInput', async (t) => {
  for (const name of ['', 'x-cos-meta-', 'a_b', 'a b', 'a:b', 'ä', 'a\r\nhost']) {
    t.equal(
      headers({ metadata: { [name]: '1' } }),
      `metadata${name === '' ? '' : `.${name}`}: must have a name of letters, digits and hyphens`,
      name
    )
  }
  // `x-cos-acl` is metadata named so, and not an ACL.
  t.same(headers({ metadata: { 'x-cos-acl': 'private' } }), { 'x-cos-meta-x-cos-acl': 'private' })
  for (const metadata of [
    { a: '1', A: '2' },
    { a: '1', 'x-cos-meta-a': '2' }
  ]) {
    const [, again] = Object.keys(metadata)
    t.equal(headers({ metadata }), `metadata.${again!}: must not repeat the header x-cos-meta-a`)
  }
})

t.test('a value that is not a header value is an InvalidInput that names the field', async (t) => {
  for (const field of entityNames) {
    if (field === 'metadata') continue
    t.match(
      headers({ [field]: 'a\r\nx-cos-acl: public-read' }),
      new RegExp(`^${field}: must be a string that a header`)
    )
    t.match(headers({ [field]: '腾讯' }), new RegExp(`^${field}: must be a string that a header`))
  }
  t.match(headers({ metadata: { color: 'a\r\nx-cos-acl: public-read' } }), /^metadata\.color: /)
  t.match(headers({ metadata: { color: '\ud800' } }), /^metadata\.color: /)
  t.match(headers({ metadata: { color: 3 } }), /^metadata\.color: must be a string/)
  t.match(headers({ metadata: 'color=red' }), /^metadata: /)
})
