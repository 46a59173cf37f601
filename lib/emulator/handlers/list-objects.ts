/** GET Bucket (List Objects). */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { escapeXml, writeXml, type Xml } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import type { Handler } from '../http/request.js'
import { isTiered } from './shared/attributes.js'
import {
  commonPrefix,
  type ListingItem,
  isoTime,
  optional,
  ownerOf,
  readListQuery,
  encodeText,
  takePage,
  walkListing
} from './shared/listing.js'
import { authorizeBucket, isArchive, regionOf, restoreState } from './shared/objects.js'
import type { StoredObject, Version } from '../store/model.js'

const nameOf = (found: ListingItem<unknown>): string => (found._tag === 'Group' ? found.prefix : found.key)

/** The restore state of an archived object, as listings write it. */
const restoreStatus = (object: StoredObject, now: number): string => {
  const state = restoreState(object.restore, now)
  return state === 'None' ? '' : state === 'Ongoing' ? 'ONGOING' : 'DONE'
}

/**
 * Writes the elements of an object that the listings of objects and of versions share. They are joined as text: a tree
 * of elements for each object would take most of the time of a listing.
 */
export const objectWriter = (bucket: string, now: number): ((object: StoredObject) => string) => {
  const owner = writeXml(ownerOf(bucket))
  return (object) => {
    const { modified, content, attributes } = object
    const { storageClass } = attributes
    const tier = isTiered(storageClass) ? '<StorageTier>FREQUENT</StorageTier>' : ''
    const restore = isArchive(storageClass)
      ? `<RestoreStatus>${restoreStatus(object, now)}</RestoreStatus>`
      : ''
    return (
      `<LastModified>${isoTime(modified)}</LastModified><ETag>${escapeXml(content.etag)}</ETag>` +
      `<Size>${String(content.size)}</Size>${owner}<StorageClass>${storageClass}</StorageClass>${tier}${restore}`
    )
  }
}

const latest = (versions: ReadonlyArray<Version>): StoredObject | undefined =>
  versions[0]?._tag === 'Object' ? versions[0] : undefined

export const listObjects: Handler = (context, request) => async () => {
  const checked = pipe(
    E.Do,
    E.apS('bucket', authorizeBucket(context, request)),
    E.bind('list', () => readListQuery(request.query, 'max-keys'))
  )
  if (E.isLeft(checked)) return checked
  const { bucket, list } = checked.right
  const { prefix, delimiter, max, encoded } = list
  const marker = request.query['marker'] ?? ''
  const encode = encodeText(encoded)
  const { items, truncated } = takePage(
    max,
    walkListing(bucket.objects, {
      prefix,
      delimiter,
      marker,
      visible: (versions) => latest(versions) !== undefined
    })
  )
  const last = items.at(-1)
  const top: ReadonlyArray<Xml> = [
    ['Name', bucket.name],
    ...optional(encoded, ['EncodingType', 'url']),
    ['Prefix', encode(prefix)],
    ['Marker', encode(marker)],
    ['MaxKeys', String(max)],
    ...optional(delimiter !== '', ['Delimiter', encode(delimiter)]),
    ['IsTruncated', String(truncated)],
    ...optional(truncated, ['NextMarker', encode(last === undefined ? '' : nameOf(last))])
  ]
  const writeObject = objectWriter(bucket.name, request.now)
  const rows = function* (): Generator<string, void, undefined> {
    for (const item of items) if (item._tag === 'Group') yield writeXml(commonPrefix(encode, item.prefix))
    for (const item of items) {
      const object = item._tag === 'Entry' ? latest(item.value) : undefined
      if (item._tag === 'Entry' && object !== undefined)
        yield `<Contents><Key>${escapeXml(encode(item.key))}</Key>${writeObject(object)}</Contents>`
    }
  }
  return E.right(
    xmlStream(['ListBucketResult', top], rows(), { 'x-cos-bucket-region': regionOf(context, bucket) })
  )
}
