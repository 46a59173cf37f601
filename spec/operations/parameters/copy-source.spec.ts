import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  withCopySource,
  copySourceHeaders,
  type WithCopySource
} from '../../../lib/operations/parameters/copy-source.js'
import { validateFields, withoutUndefined } from '../../support/operations.js'

const headers = (input: unknown) => {
  const checked = validateFields<WithCopySource>(withCopySource)(input)
  return E.isRight(checked) ? withoutUndefined(copySourceHeaders(checked.right)) : checked.left
}

const source = { bucket: 'sourcebucket-1250000001', region: 'ap-shanghai', key: 'a b/c+d.jpg' }
const text = (copySource: object) => {
  const made = headers({ copySource })
  return typeof made === 'string' ? made : made['x-cos-copy-source']
}

t.test('a source is sent as a host and an encoded key, without a scheme', async (t) => {
  // The header of the worked example in spec/vectors/signature.json.
  t.equal(text(source), 'sourcebucket-1250000001.cos.ap-shanghai.myqcloud.com/a%20b/c%2Bd.jpg')
})

t.test('a version follows the key, and a question mark in the key is encoded', async (t) => {
  t.equal(
    text({ ...source, key: '/a?versionId=x&b', versionId: 'MTg0+/=' }),
    'sourcebucket-1250000001.cos.ap-shanghai.myqcloud.com/a%3FversionId%3Dx%26b?versionId=MTg0%2B%2F%3D'
  )
})

t.test('an endpoint takes precedence over a region', async (t) => {
  const endpoint = 'cos-internal.ap-shanghai.tencentcos.cn'
  t.equal(text({ ...source, key: 'a', endpoint }), `sourcebucket-1250000001.${endpoint}/a`)
  const { region: _, ...placed } = source
  t.equal(text({ ...placed, key: 'a', endpoint }), `sourcebucket-1250000001.${endpoint}/a`)
})

t.test('conditions and the customer key of the source are sent as headers', async (t) => {
  const names = headers({
    copySource: source,
    copySourceIfMatch: 'a',
    copySourceSse: { type: 'C', key: new Uint8Array(32) }
  })
  t.same(Object.keys(names).sort(), [
    'x-cos-copy-source',
    'x-cos-copy-source-if-match',
    'x-cos-copy-source-server-side-encryption-customer-algorithm',
    'x-cos-copy-source-server-side-encryption-customer-key',
    'x-cos-copy-source-server-side-encryption-customer-key-md5'
  ])
})

t.test('an invalid source is an InvalidInput that names the field', async (t) => {
  const { region: _, ...nowhere } = source
  t.equal(text(nowhere), 'copySource.region: is required (or endpoint)')
  t.match(text({ ...source, region: 'a/b' }), /^copySource\.region: must be a region/)
  t.match(text({ ...source, endpoint: 'evil.example@cos' }), /^copySource\.endpoint: must be an endpoint/)
  t.match(text({ ...source, bucket: 'nameless' }), /^copySource\.bucket: must be a bucket name/)
  t.match(text({ ...source, key: '' }), /^copySource\.key: must not be empty/)
  t.match(text({ ...source, versionId: '' }), /^copySource\.versionId: must be a non-empty version id/)
  t.match(text({ ...source, vesionId: 'x' }), /^copySource\.vesionId: is not a known field/)
  t.match(headers({}), /^copySource: (?:is required$|must be a copy source)/)
  t.match(headers({ copySource: 'bucket/key' }), /^copySource: (?:is required$|must be a copy source)/)
  t.match(headers({ copySource: source, copySourceSse: { type: 'COS' } }), /^copySourceSse: /)
})
