import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  accessControl,
  accessHeaders,
  type AccessControl
} from '../../../lib/operations/parameters/access.js'
import { validateFields, withoutUndefined } from '../../support/operations.js'

const judge = validateFields<AccessControl>(accessControl)
const headers = (input: unknown) => {
  const checked = judge(input)
  return E.isRight(checked) ? withoutUndefined(accessHeaders(checked.right)) : checked.left
}

t.test('each field is sent as its header', async (t) => {
  const [a, b] = [{ id: '100000000001' }, { id: '100000000002' }]
  t.same(
    headers({
      acl: 'public-read',
      grantRead: [a, b],
      grantWrite: [a],
      grantReadAcp: [b],
      grantWriteAcp: [a],
      grantFullControl: [b, a]
    }),
    {
      'x-cos-acl': 'public-read',
      'x-cos-grant-read': 'id="100000000001",id="100000000002"',
      'x-cos-grant-write': 'id="100000000001"',
      'x-cos-grant-read-acp': 'id="100000000002"',
      'x-cos-grant-write-acp': 'id="100000000001"',
      'x-cos-grant-full-control': 'id="100000000002",id="100000000001"'
    }
  )
  t.same(headers({}), {})
})

t.test('grants may be text, and unknown ACLs are accepted', async (t) => {
  t.same(headers({ grantRead: 'uin="100000000001"', acl: 'next-years' }), {
    'x-cos-acl': 'next-years',
    'x-cos-grant-read': 'uin="100000000001"'
  })
  t.same(headers({ grantRead: [{ id: 'qcs::cam::uin/100000000001:uin/100000000002' }] }), {
    'x-cos-grant-read': 'id="qcs::cam::uin/100000000001:uin/100000000002"'
  })
})

t.test('a grantee’s id cannot contain a second grantee', async (t) => {
  for (const id of ['', '1",id="2', '1,2', '1 2', '1\r\n', 'ä\u0100']) {
    t.match(
      headers({ grantRead: [{ id: '1' }, { id }] }),
      /^grantRead\.1\.id: must be the id of an account/,
      id
    )
  }
})

t.test('an invalid list of grantees is an InvalidInput that names the field', async (t) => {
  t.equal(headers({ grantRead: [] }), 'grantRead: must be a list of at least one { id }')
  t.match(headers({ grantRead: [{ uin: '1' }] }), /^grantRead\.0\.uin: is not a known field/)
  t.match(
    headers({ grantFullControl: 100000000001 }),
    /^grantFullControl: must be a list of at least one \{ id \}, or a string/
  )
  t.match(headers({ grantWrite: 'a\nb' }), /^grantWrite: must be a string that a header/)
  t.match(headers({ acl: 'private\n' }), /^acl: must be a string that a header/)
})
