/** GET Bucket Object Versions. */
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
import type { Version } from '../store/model.js'
import type { Bucket } from '../store/state.js'
import { objectRows } from './list-objects.js'

type Item =
  | { readonly _tag: 'Group'; readonly prefix: string }
  | { readonly _tag: 'Version'; readonly key: string; readonly version: Version; readonly latest: boolean }

/** Keys in order, the versions of each from the newest; of the marker's key only those behind the marker's version. */
function* versionsAfter(
  bucket: Bucket,
  asked: Pick<ListingWalk<never>, 'prefix' | 'delimiter'>,
  keyMarker: string,
  versionMarker: string
): Generator<Item, void, undefined> {
  const inclusive = keyMarker !== '' && versionMarker !== ''
  const found = walkListing(bucket.objects, { ...asked, marker: keyMarker, inclusive, visible: () => true })
  for (const item of found) {
    if (item._tag === 'Group') {
      yield item
      continue
    }
    const { key, value: versions } = item
    const passed =
      inclusive && key === keyMarker ? versions.findIndex(({ id }) => id === versionMarker) : undefined
    // A marker that was deleted meanwhile no longer says where it was: the page goes on with the next key.
    if (passed === -1) continue
    for (const [at, version] of versions.entries())
      if (at > (passed ?? -1)) yield { _tag: 'Version', key, version, latest: at === 0 }
  }
}

export const listObjectVersions: Handler = (house, call) => async () => {
  const asked = pipe(
    E.Do,
    E.apS('bucket', bucketOf(house, call)),
    E.chainFirst(({ bucket }) => authorize(call, bucket)),
    E.bind('list', () => readListQuery(call.query, 'max-keys'))
  )
  if (E.isLeft(asked)) return asked
  const { bucket, list } = asked.right
  const { prefix, delimiter, max, encoded } = list
  const keyMarker = call.query['key-marker'] ?? ''
  const versionMarker = call.query['version-id-marker'] ?? ''
  const spell = spelling(encoded)
  // In a bucket that was never versioned, versions have no names.
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
          ['NextKeyMarker', spell(last._tag === 'Group' ? last.prefix : last.key)],
          ['NextVersionIdMarker', last._tag === 'Group' ? '' : idOf(last.version)]
        ]
  const top: ReadonlyArray<Xml> = [
    ['Name', bucket.name],
    ...optional(encoded, ['EncodingType', 'url']),
    ['Prefix', spell(prefix)],
    ['KeyMarker', spell(keyMarker)],
    ['VersionIdMarker', versionMarker],
    ['MaxKeys', String(max)],
    ...optional(delimiter !== '', ['Delimiter', spell(delimiter)]),
    ['IsTruncated', String(truncated)],
    ...(truncated ? next : [])
  ]
  const row = (item: Item): Xml => {
    if (item._tag === 'Group') return commonPrefix(spell, item.prefix)
    const { key, version, latest } = item
    const named: ReadonlyArray<Xml> = [
      ['Key', spell(key)],
      ['VersionId', idOf(version)],
      ['IsLatest', String(latest)]
    ]
    return version._tag === 'Object'
      ? ['Version', [...named, ...objectRows(bucket.name, version, call.now)]]
      : ['DeleteMarker', [...named, ['LastModified', isoTime(version.modified)], ownerOf(bucket.name)]]
  }
  const rows = function* (): Generator<Xml, void, undefined> {
    for (const item of items) if (item._tag === 'Group') yield row(item)
    for (const item of items) if (item._tag === 'Version') yield row(item)
  }
  return E.right(
    xmlStream(['ListVersionsResult', top], rows(), { 'x-cos-bucket-region': house.settings.region })
  )
}
