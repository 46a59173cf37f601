/** List Multipart Uploads. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Xml } from '../../core/xml.js'
import { authorize } from '../http/authorization.js'
import { xmlStream } from '../http/response.js'
import type { Handler } from '../http/request.js'
import {
  commonPrefix,
  isoTime,
  optional,
  ownerOf,
  readListQuery,
  spelling,
  takePage,
  walkListing,
  type ListingWalk
} from './shared/listing.js'
import { bucketOf } from './shared/objects.js'
import type { Bucket, Upload } from '../store/state.js'
import { initiatorOf, mixedCase } from './list-parts.js'

type Item =
  | { readonly _tag: 'Group'; readonly prefix: string }
  | { readonly _tag: 'Upload'; readonly key: string; readonly upload: Upload }

/** Keys in order, the uploads of each by their ids; of the marker's key only those of greater ids. */
function* uploadsAfter(
  bucket: Bucket,
  asked: Pick<ListingWalk<never>, 'prefix' | 'delimiter'>,
  keyMarker: string,
  idMarker: string
): Generator<Item, void, undefined> {
  // An id alone says nothing.
  const inclusive = keyMarker !== '' && idMarker !== ''
  const found = walkListing(bucket.uploads, { ...asked, marker: keyMarker, inclusive, visible: () => true })
  for (const item of found) {
    if (item._tag === 'Group') yield item
    else
      for (const upload of item.value)
        if (item.key !== keyMarker || upload.id > idMarker) yield { _tag: 'Upload', key: item.key, upload }
  }
}

export const listMultipartUploads: Handler = (house, call) => async () => {
  const asked = pipe(
    E.Do,
    E.apS('bucket', bucketOf(house, call)),
    E.chainFirst(({ bucket }) => authorize(call, bucket)),
    E.bind('list', () => readListQuery(call.query, 'max-uploads'))
  )
  if (E.isLeft(asked)) return asked
  const { bucket, list } = asked.right
  const { prefix, delimiter, max, encoded } = list
  const keyMarker = call.query['key-marker'] ?? ''
  const idMarker = call.query['upload-id-marker'] ?? ''
  const spell = spelling(encoded)
  const { items, truncated } = takePage(max, uploadsAfter(bucket, { prefix, delimiter }, keyMarker, idMarker))
  const last = items.at(-1)
  const next: ReadonlyArray<Xml> =
    last === undefined
      ? []
      : [
          ['NextKeyMarker', spell(last._tag === 'Group' ? last.prefix : last.key)],
          ['NextUploadIdMarker', last._tag === 'Group' ? '' : last.upload.id]
        ]
  const top: ReadonlyArray<Xml> = [
    ['Bucket', bucket.name],
    // Here, and only here, with a hyphen.
    ...optional(encoded, ['Encoding-Type', 'url']),
    ['KeyMarker', spell(keyMarker)],
    ['UploadIdMarker', idMarker],
    ...(truncated ? next : []),
    ['MaxUploads', String(max)],
    ['IsTruncated', String(truncated)],
    ['Prefix', spell(prefix)],
    ['Delimiter', spell(delimiter)]
  ]
  const row = (item: Item): Xml =>
    item._tag === 'Group'
      ? commonPrefix(spell, item.prefix)
      : [
          'Upload',
          [
            ['Key', spell(item.key)],
            ['UploadId', item.upload.id],
            initiatorOf(bucket.name),
            ownerOf(bucket.name),
            ['StorageClass', mixedCase(item.upload.attributes.storageClass)],
            ['Initiated', isoTime(item.upload.initiated)]
          ]
        ]
  return E.right(xmlStream(['ListMultipartUploadsResult', top], items.map(row)))
}
