import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  trafficLimit,
  trafficLimitHeaders,
  storageOptions,
  storageHeaders,
  type TrafficLimit,
  type StorageOptions
} from '../../../lib/operations/parameters/storage.js'
import { validateFields, withoutUndefined } from '../../support/operations.js'

const headers = (input: unknown) => {
  const checked = validateFields<StorageOptions>(storageOptions)(input)
  return E.isRight(checked) ? withoutUndefined(storageHeaders(checked.right)) : checked.left
}

t.test('each field is sent as its header', async (t) => {
  t.same(headers({}), {})
  t.same(headers({ storageClass: 'ARCHIVE', tagging: { a: '1' }, forbidOverwrite: true }), {
    'x-cos-storage-class': 'ARCHIVE',
    'x-cos-tagging': 'a=1',
    'x-cos-forbid-overwrite': true
  })
  t.same(headers({ forbidOverwrite: false }), {})
  t.same(headers({ storageClass: 'NEXT_YEARS' }), { 'x-cos-storage-class': 'NEXT_YEARS' })
})

t.test('tags are sent encoded as a query, in order', async (t) => {
  t.same(headers({ tagging: { 'b c': 'd&e=f', 腾: '', a: '1+1' } }), {
    'x-cos-tagging': 'b%20c=d%26e%3Df&%E8%85%BE=&a=1%2B1'
  })
})

t.test('tags that COS would refuse are an InvalidInput', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`t${String(n)}`, '']))
  for (const tagging of [many, { '': 'x' }, { a: '\ud800' }]) {
    t.equal(
      headers({ tagging }),
      'tagging: must be at most 10 tags, an object of strings without lone surrogates'
    )
  }
  t.match(headers({ tagging: { a: 1 } }), /^tagging\.a: /)
  t.match(headers({ storageClass: 3 }), /^storageClass: must be a string that a header/)
  t.equal(headers({ forbidOverwrite: 'true' }), 'forbidOverwrite: must be true or false')
})

t.test('a traffic limit is 819,200 to 838,860,800 bit/s', async (t) => {
  const limit = (value: unknown) => {
    const checked = validateFields<TrafficLimit>(trafficLimit)({ trafficLimit: value })
    return E.isRight(checked) ? withoutUndefined(trafficLimitHeaders(checked.right)) : checked.left
  }
  t.same(limit(undefined), {})
  t.same(limit(819_200), { 'x-cos-traffic-limit': 819_200 })
  t.same(limit(838_860_800), { 'x-cos-traffic-limit': 838_860_800 })
  for (const wrong of [819_199, 838_860_801, 819_200.5, '819200', NaN, -1]) {
    t.equal(limit(wrong), 'trafficLimit: must be an integer from 819,200 to 838,860,800 (bit/s)')
  }
})
