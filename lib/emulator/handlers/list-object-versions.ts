/** GET Bucket Object Versions. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { escapeXml, writeXml, type Xml } from '../../core/xml.js'
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
import { authorizeBucket, regionOf } from './shared/objects.js'
import type { Version } from '../store/model.js'
import type { Bucket } from '../store/state.js'
import { objectWriter } from './list-objects.js'

type Item =
  | { readonly _tag: 'Group'; readonly prefix: string }
  | { readonly _tag: 'Version'; readonly key: string; readonly version: Version; readonly latest: boolean }

/** Versions ordered by key, newest first, after the markers. Of the marker's key, older versions are included. */
function* versionsAfter(
  bucket: Bucket,
  filter: Pick<ListingWalk<never>, 'prefix' | 'delimiter'>,
  keyMarker: string,
  versionMarker: string
): Generator<Item, void, undefined> {
  const inclusive = keyMarker !== '' && versionMarker !== ''
  const found = walkListing(bucket.objects, { ...filter, marker: keyMarker, inclusive, visible: () => true })
  for (const item of found) {
    if (item._tag === 'Group') {
      yield item
      continue
    }
    const { key, value: versions } = item
    const passed =
      inclusive && key === keyMarker ? versions.findIndex(({ id }) => id === versionMarker) : undefined
    // The marker's version was deleted meanwhile, so its position is unknown: the page starts at the next key.
    if (passed === -1) continue
    for (const [at, version] of versions.entries())
      if (at > (passed ?? -1)) yield { _tag: 'Version', key, version, latest: at === 0 }
  }
}

export const listObjectVersions: Handler = (context, request) => async () => {
  const checked = pipe(
    E.Do,
    E.apS('bucket', authorizeBucket(context, request)),
    E.bind('list', () => readListQuery(request.query, 'max-keys'))
  )
  if (E.isLeft(checked)) return checked
  const { bucket, list } = checked.right
  const { prefix, delimiter, max, encoded } = list
  const keyMarker = request.query['key-marker'] ?? ''
  const versionMarker = request.query['version-id-marker'] ?? ''
  const encode = encodeText(encoded)
  // In a bucket that was never versioned, VersionId is empty.
  const idOf = ({ id }: Version): string => (bucket.versioning === 'Off' ? '' : id)
  const { items, truncated } = takePage(
    max,
    versionsAfter(bucket, { prefix, delimiter }, keyMarker, versionMarker)
  )
  const last = items.at(-1)
  const next: ReadonlyArray<Xml> =
    last === undefined
      ? []
      : [
          ['NextKeyMarker', encode(last._tag === 'Group' ? last.prefix : last.key)],
          ['NextVersionIdMarker', last._tag === 'Group' ? '' : idOf(last.version)]
        ]
  const top: ReadonlyArray<Xml> = [
    ['Name', bucket.name],
    ...optional(encoded, ['EncodingType', 'url']),
    ['Prefix', encode(prefix)],
    ['KeyMarker', encode(keyMarker)],
    ['VersionIdMarker', versionMarker],
    ['MaxKeys', String(max)],
    ...optional(delimiter !== '', ['Delimiter', encode(delimiter)]),
    ['IsTruncated', String(truncated)],
    ...(truncated ? next : [])
  ]
  const writeObject = objectWriter(bucket.name, request.now)
  const owner = writeXml(ownerOf(bucket.name))
  const row = (item: Item): string => {
    if (item._tag === 'Group') return writeXml(commonPrefix(encode, item.prefix))
    const { key, version, latest } = item
    const named =
      `<Key>${escapeXml(encode(key))}</Key><VersionId>${idOf(version)}</VersionId>` +
      `<IsLatest>${String(latest)}</IsLatest>`
    return version._tag === 'Object'
      ? `<Version>${named}${writeObject(version)}</Version>`
      : `<DeleteMarker>${named}<LastModified>${isoTime(version.modified)}</LastModified>${owner}</DeleteMarker>`
  }
  const rows = function* (): Generator<string, void, undefined> {
    for (const item of items) if (item._tag === 'Group') yield row(item)
    for (const item of items) if (item._tag === 'Version') yield row(item)
  }
  return E.right(
    xmlStream(['ListVersionsResult', top], rows(), { 'x-cos-bucket-region': regionOf(context, bucket) })
  )
}
