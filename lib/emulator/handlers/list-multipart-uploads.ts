/** List Multipart Uploads. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { writeXml, type Xml } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import type { Handler } from '../http/request.js'
import {
  commonPrefix,
  isoTime,
  optional,
  ownerOf,
  readListQuery,
  encodeText,
  takePage,
  walkListing,
  type ListingWalk
} from './shared/listing.js'
import { authorizeBucket } from './shared/objects.js'
import type { Bucket, Upload } from '../store/state.js'
import { initiatorOf, mixedCase } from './list-parts.js'

type Item =
  | { readonly _tag: 'Group'; readonly prefix: string }
  | { readonly _tag: 'Upload'; readonly key: string; readonly upload: Upload }

/** Uploads ordered by key and id, after the markers. Of the marker's key, uploads with greater ids are included. */
function* uploadsAfter(
  bucket: Bucket,
  filter: Pick<ListingWalk<never>, 'prefix' | 'delimiter'>,
  keyMarker: string,
  idMarker: string
): Generator<Item, void, undefined> {
  // COS ignores upload-id-marker without key-marker.
  const inclusive = keyMarker !== '' && idMarker !== ''
  const found = walkListing(bucket.uploads, { ...filter, marker: keyMarker, inclusive, visible: () => true })
  for (const item of found) {
    if (item._tag === 'Group') yield item
    else
      for (const upload of item.value)
        if (item.key !== keyMarker || upload.id > idMarker) yield { _tag: 'Upload', key: item.key, upload }
  }
}

export const listMultipartUploads: Handler = (context, request) => async () => {
  const checked = pipe(
    E.Do,
    E.apS('bucket', authorizeBucket(context, request)),
    E.bind('list', () => readListQuery(request.query, 'max-uploads'))
  )
  if (E.isLeft(checked)) return checked
  const { bucket, list } = checked.right
  const { prefix, delimiter, max, encoded } = list
  const keyMarker = request.query['key-marker'] ?? ''
  const idMarker = request.query['upload-id-marker'] ?? ''
  const encode = encodeText(encoded)
  const { items, truncated } = takePage(max, uploadsAfter(bucket, { prefix, delimiter }, keyMarker, idMarker))
  const last = items.at(-1)
  const next: ReadonlyArray<Xml> =
    last === undefined
      ? []
      : [
          ['NextKeyMarker', encode(last._tag === 'Group' ? last.prefix : last.key)],
          ['NextUploadIdMarker', last._tag === 'Group' ? '' : last.upload.id]
        ]
  const top: ReadonlyArray<Xml> = [
    ['Bucket', bucket.name],
    // COS writes this element with a hyphen in this listing only.
    ...optional(encoded, ['Encoding-Type', 'url']),
    ['KeyMarker', encode(keyMarker)],
    ['UploadIdMarker', idMarker],
    ...(truncated ? next : []),
    ['MaxUploads', String(max)],
    ['IsTruncated', String(truncated)],
    ['Prefix', encode(prefix)],
    ['Delimiter', encode(delimiter)]
  ]
  const row = (item: Item): Xml =>
    item._tag === 'Group'
      ? commonPrefix(encode, item.prefix)
      : [
          'Upload',
          [
            ['Key', encode(item.key)],
            ['UploadId', item.upload.id],
            initiatorOf(bucket.name),
            ownerOf(bucket.name),
            ['StorageClass', mixedCase(item.upload.attributes.storageClass)],
            ['Initiated', isoTime(item.upload.initiated)]
          ]
        ]
  return E.right(
    xmlStream(
      ['ListMultipartUploadsResult', top],
      items.map((item) => writeXml(row(item)))
    )
  )
}
