/** List Parts. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { writeXml, type Xml } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import type { Handler } from '../http/request.js'
import { isoTime, optional, ownerOf, readEncoded, readMax, encodeText, takePage } from './shared/listing.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Part } from '../store/model.js'
import { openUpload } from './multipart.js'

const readMarker = (text: string | undefined): E.Either<ServiceError, number> =>
  /^\d{0,6}$/.test(text ?? '')
    ? E.right(Number(text ?? 0))
    : fail('InvalidArgument', 'part-number-marker must be an integer.')

function* partsAfter(parts: ReadonlyMap<number, Part>, marker: number): Generator<Part, void, undefined> {
  for (const number of [...parts.keys()].sort((a, b) => a - b)) {
    const part = parts.get(number)
    if (part !== undefined && number > marker) yield part
  }
}

/** The listings of multipart uploads, and no other, write `STANDARD` as `Standard`. */
export const mixedCase = (storageClass: string): string =>
  storageClass === 'STANDARD' ? 'Standard' : storageClass

/** The creator of an upload. The emulator has one account without users. */
export const initiatorOf = (bucket: string): Xml => {
  const [, rows] = ownerOf(bucket)
  return ['Initiator', rows]
}

export const listParts: Handler = (context, request) => async () => {
  if (request.query['uploadId'] === '') return fail('ListPartUploadIdIsEmpty')
  const checked = pipe(
    openUpload(context, request),
    E.bindTo('open'),
    E.bind('max', () => readMax(request.query['max-parts'])),
    E.bind('marker', () => readMarker(request.query['part-number-marker'])),
    E.bind('encoded', () => readEncoded(request.query))
  )
  if (E.isLeft(checked)) return checked
  const { open, max, marker, encoded } = checked.right
  const { id, parts, attributes } = open.upload
  const { items, truncated } = takePage(max, partsAfter(parts, marker))
  const rows = function* (): Generator<string, void, undefined> {
    for (const { number, modified, content } of items)
      yield writeXml([
        'Part',
        [
          ['PartNumber', String(number)],
          ['LastModified', isoTime(modified)],
          ['ETag', content.etag],
          ['Size', String(content.size)]
        ]
      ])
  }
  return E.right(
    xmlStream(
      [
        'ListPartsResult',
        [
          ['Bucket', request.bucket],
          ['EncodingType', encoded ? 'url' : ''],
          ['Key', encodeText(encoded)(request.key)],
          ['UploadId', id],
          ownerOf(request.bucket),
          ['PartNumberMarker', String(marker)],
          initiatorOf(request.bucket),
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
