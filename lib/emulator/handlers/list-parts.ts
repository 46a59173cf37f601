/** List Parts. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Xml } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import type { Handler } from '../http/request.js'
import { isoTime, optional, ownerOf, readEncoded, readMax, spelling, takePage } from './shared/listing.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Part } from '../store/model.js'
import { openUpload } from './multipart.js'

const readMarker = (text: string | undefined): E.Either<ServiceError, number> =>
  /^\d{0,6}$/.test(text ?? '')
    ? E.right(Number(text ?? 0))
    : fail('InvalidArgument', 'part-number-marker should be a whole number.')

function* after(parts: ReadonlyMap<number, Part>, marker: number): Generator<Part, void, undefined> {
  for (const number of [...parts.keys()].sort((a, b) => a - b)) {
    const part = parts.get(number)
    if (part !== undefined && number > marker) yield part
  }
}

/** `STANDARD` is `Standard` in the listings of multipart uploads, and there alone. */
export const mixedCase = (storageClass: string): string =>
  storageClass === 'STANDARD' ? 'Standard' : storageClass

/** Who began an upload: the emulator knows one account, and no users in it. */
export const initiatorOf = (bucket: string): Xml => {
  const [, rows] = ownerOf(bucket)
  return ['Initiator', rows]
}

export const listParts: Handler = (house, call) => async () => {
  if (call.query['uploadId'] === '') return fail('ListPartUploadIdIsEmpty')
  const asked = pipe(
    openUpload(house, call),
    E.bindTo('open'),
    E.bind('max', () => readMax(call.query['max-parts'])),
    E.bind('marker', () => readMarker(call.query['part-number-marker'])),
    E.bind('encoded', () => readEncoded(call.query))
  )
  if (E.isLeft(asked)) return asked
  const { open, max, marker, encoded } = asked.right
  const { id, parts, attributes } = open.upload
  const { items, truncated } = takePage(max, after(parts, marker))
  const rows = function* (): Generator<Xml, void, undefined> {
    for (const { number, modified, content } of items)
      yield [
        'Part',
        [
          ['PartNumber', String(number)],
          ['LastModified', isoTime(modified)],
          ['ETag', content.etag],
          ['Size', String(content.size)]
        ]
      ]
  }
  return E.right(
    xmlStream(
      [
        'ListPartsResult',
        [
          ['Bucket', call.bucket],
          ['EncodingType', encoded ? 'url' : ''],
          ['Key', spelling(encoded)(call.key)],
          ['UploadId', id],
          ownerOf(call.bucket),
          ['PartNumberMarker', String(marker)],
          initiatorOf(call.bucket),
          ...optional(truncated, ['NextPartNumberMarker', String(items.at(-1)?.number ?? marker)]),
          ['StorageClass', mixedCase(attributes.storageClass)],
          ['MaxParts', String(max)],
          ['IsTruncated', String(truncated)]
        ]
      ],
      rows()
    )
  )
}
