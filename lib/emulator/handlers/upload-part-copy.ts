/** Upload Part - Copy. The bytes stay where they are; they are read once, for the part's hashes. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as W from '../../core/wire.js'
import { xmlStream } from '../http/response.js'
import { checkCustomerKey, encryptionHeaders } from './shared/attributes.js'
import type { Handler } from '../http/request.js'
import { readCopyRange } from './shared/conditions.js'
import { contentOf } from './shared/content.js'
import { checkPairs, sourceOf } from './shared/copy-source.js'
import { maxPut, readEmptyBody } from '../http/read-body.js'
import { fail } from '../http/service-error.js'
import { slice } from '../store/model.js'
import { keepPart, openUpload, readPartNumber } from './multipart.js'

export const uploadPartCopy: Handler = (house, call) => async () => {
  const nothing = await readEmptyBody(call)
  const asked = pipe(
    nothing,
    E.chain(() => readPartNumber(call)),
    E.bindTo('number'),
    E.bind('open', () => openUpload(house, call)),
    E.chainFirst(({ open }) => checkCustomerKey(call.headers, open.upload.attributes.encryption)),
    E.chainFirst(() => checkPairs(call)),
    E.bind('source', () => sourceOf(house, call)),
    E.bind('range', ({ source }) =>
      readCopyRange(call.headers['x-cos-copy-source-range'], source.object.content.size)
    )
  )
  if (E.isLeft(asked)) return asked
  const { number, open, source, range } = asked.right
  const { content: whole } = source.object
  const { first, size } = range ?? { first: 0, size: whole.size }
  if (size > maxPut) return fail('EntityTooLarge')
  const { encryption } = open.upload.attributes
  const segments = slice(whole.segments, first, size)
  const { blobs } = house.store
  // The source may be deleted while it is read.
  blobs.hold(segments)
  try {
    const content = await contentOf(blobs, segments, encryption)
    const kept = await keepPart(house, call, number, content)
    if (E.isLeft(kept)) return kept
    return E.right(
      xmlStream(
        [
          'CopyPartResult',
          [
            ['ETag', content.etag],
            ['CRC64', W.Crc64.encode(content.crc64)],
            // Of all the dates of COS the one without a zone.
            ['LastModified', new Date(kept.right).toISOString().replace(/\.\d+Z$/, '')]
          ]
        ],
        [],
        { ...source.headers, ...encryptionHeaders(encryption) }
      )
    )
  } finally {
    blobs.release(segments)
  }
}
