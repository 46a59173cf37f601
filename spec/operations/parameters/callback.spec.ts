import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  uploadCallback,
  uploadCallbackHeaders,
  type UploadCallback
} from '../../../lib/operations/parameters/callback.js'
import { validateFields, withoutUndefined } from '../../support/operations.js'

const headers = (input: unknown) => {
  const checked = validateFields<UploadCallback>(uploadCallback)(input)
  return E.isRight(checked) ? withoutUndefined(uploadCallbackHeaders(checked.right)) : checked.left
}
const decodeHeader = (input: unknown, name: string): unknown => {
  const made = headers(input)
  return typeof made === 'string' ? made : JSON.parse(Buffer.from(String(made[name]), 'base64').toString())
}

t.test('a callback is sent as base64 of JSON, with URLs joined by semicolons', async (t) => {
  const callback = {
    callbackUrl: ['https://a.example/done', 'https://b.example/done'],
    callbackHost: 'a.example',
    callbackBody: 'bucket=${bucket}&name=${x:name}',
    callbackBodyType: 'application/x-www-form-urlencoded'
  }
  t.same(decodeHeader({ callback }, 'x-cos-callback'), {
    ...callback,
    callbackUrl: 'https://a.example/done;https://b.example/done'
  })
  const plain = { callbackUrl: 'https://a.example/done', callbackBody: '{}' }
  t.same(decodeHeader({ callback: plain }, 'x-cos-callback'), plain)
  t.same(decodeHeader({ callbackVar: { 'x:name': '腾讯' } }, 'x-cos-callback-var'), { 'x:name': '腾讯' })
})

t.test('text is sent unchanged', async (t) => {
  t.same(headers({}), {})
  t.same(headers({ callback: 'e30=', callbackVar: 'e30=', picOperations: '{"rules":[]}' }), {
    'x-cos-callback': 'e30=',
    'x-cos-callback-var': 'e30=',
    'pic-operations': '{"rules":[]}'
  })
})

t.test('picture rules are sent as ASCII JSON', async (t) => {
  const picOperations = { is_pic_info: 1, rules: [{ fileid: '缩略图.png', rule: 'imageMogr2/format/png' }] }
  const made = headers({ picOperations })
  const text = typeof made === 'string' ? '' : String(made['pic-operations'])
  t.match(text, /^[\x20-\x7e]+$/)
  t.same(JSON.parse(text), picOperations)
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const body = { callbackBody: 'x' }
  for (const callbackUrl of ['', [], Array.from({ length: 6 }, () => 'https://a.example'), 3]) {
    t.equal(headers({ callback: { callbackUrl, ...body } }), 'callback.callbackUrl: must be one to five URLs')
  }
  t.match(headers({ callback: { callbackUrl: 'https://a.example' } }), /^callback\.callbackBody: /)
  t.equal(headers({ callback: '{"callbackUrl":""}' }), 'callback: must be base64')
  t.equal(headers({ callbackVar: 'x:name=1' }), 'callbackVar: must be base64')
  t.match(headers({ callbackVar: { 'x:name': 1 } }), /^callbackVar\.x:name: /)
  const cycle: Record<string, unknown> = {}
  cycle['cycle'] = cycle
  for (const picOperations of [cycle, { size: 1n }, []]) {
    t.equal(headers({ picOperations }), 'picOperations: must be an object that JSON can represent')
  }
  t.match(headers({ picOperations: '{"a":"腾"}' }), /^picOperations: must be a string that a header/)
})
