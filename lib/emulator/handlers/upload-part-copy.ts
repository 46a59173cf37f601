/** Upload Part - Copy. The part shares the stored bytes of its source, which are read once for the part's hashes. */
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
import { openUpload, readPartNumber, storePart } from './multipart.js'

export const uploadPartCopy: Handler = (context, request) => async () => {
  const emptyBody = await readEmptyBody(request)
  const checked = pipe(
    emptyBody,
    E.chain(() => readPartNumber(request)),
    E.bindTo('number'),
    E.bind('open', () => openUpload(context, request)),
    E.chainFirst(({ open }) => checkCustomerKey(request.headers, open.upload.attributes.encryption)),
    E.chainFirst(() => checkPairs(request)),
    E.bind('source', () => sourceOf(context, request)),
    E.bind('range', ({ source }) =>
      readCopyRange(request.headers['x-cos-copy-source-range'], source.object.content.size)
    )
  )
  if (E.isLeft(checked)) return checked
  const { number, open, source, range } = checked.right
  const { content: whole } = source.object
  const { first, size } = range ?? { first: 0, size: whole.size }
  if (size > maxPut) return fail('EntityTooLarge')
  const { encryption } = open.upload.attributes
  const segments = slice(whole.segments, first, size)
  const { blobs } = context.store
  // The source may be deleted while it is read.
  blobs.hold(segments)
  try {
    const content = await contentOf(blobs, segments, encryption)
    const stored = await storePart(context, request, number, content)
    if (E.isLeft(stored)) return stored
    return E.right(
      xmlStream(
        [
          'CopyPartResult',
          [
            ['ETag', content.etag],
            ['CRC64', W.Crc64.encode(content.crc64)],
            // The only date of COS without a time zone.
            ['LastModified', new Date(stored.right).toISOString().replace(/\.\d+Z$/, '')]
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
