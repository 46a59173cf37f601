/** The store's contents in memory: buckets, versions of each key, open uploads; and the effect of each event on them. */
import type { Blobs } from './blobs.js'
import type {
  Acl,
  Attributes,
  BucketAcl,
  BucketKind,
  Event,
  Part,
  StoredObject,
  Version,
  Versioning
} from './model.js'
import { sortedMap, type SortedMap } from './sorted.js'
import { versionMap } from './version-map.js'

export interface Upload {
  readonly id: string
  readonly initiated: number
  /** The attributes of the future object, fixed when the upload is created. */
  readonly attributes: Attributes
  /** Changed in place, by `applyEvent` only: copying the map for each of 10,000 parts would copy 50 million entries. */
  readonly parts: Map<number, Part>
}

export interface Bucket extends Acl, BucketKind {
  readonly name: string
  readonly created: number
  readonly versioning: Versioning
  readonly acl: BucketAcl
  /** Documents as received, by the names of `http/configurations.ts`. */
  readonly configurations: ReadonlyMap<string, string>
  /** Newest first; never empty. */
  readonly objects: SortedMap<ReadonlyArray<Version>>
  /** By their ids; never empty. */
  readonly uploads: SortedMap<ReadonlyArray<Upload>>
}

export const uploadOf = (bucket: Bucket, key: string, id: string): Upload | undefined =>
  bucket.uploads.get(key)?.find((upload) => upload.id === id)

const segmentsOf = (version: Version | undefined): Parameters<Blobs['hold']>[0] =>
  version?._tag === 'Object' ? version.content.segments : []

const hasSameEntries = (
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>
): boolean => {
  const [names, others] = [Object.keys(a), Object.keys(b)]
  return (
    names.length === others.length && names.every((name, at) => name === others[at] && a[name] === b[name])
  )
}

const isSame = (a: Attributes, b: Attributes): boolean =>
  a.storageClass === b.storageClass &&
  a.acl === b.acl &&
  a.complete === b.complete &&
  hasSameEntries(a.headers, b.headers) &&
  hasSameEntries(a.grants, b.grants) &&
  hasSameEntries(a.encryption, b.encryption) &&
  a.tags.length === b.tags.length &&
  a.tags.every(([key, value], at) => key === b.tags[at]?.[0] && value === b.tags[at][1])

const maxShared = 64

/**
 * Returns one object for equal attributes. Most objects of a bucket have the same: a hundred thousand keys then hold them
 * once. They are compared with those of the last writes that had others; a table by their JSON took 8 % of a put.
 */
const shareAttributes = (): ((attributes: Attributes) => Attributes) => {
  const known: Array<Attributes> = []
  let added = 0
  return (attributes) => {
    const shared = known.find((each) => isSame(each, attributes))
    if (shared !== undefined) return shared
    known[added % maxShared] = attributes
    added += 1
    return attributes
  }
}

const undefinedIfEmpty = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> | undefined =>
  list.length === 0 ? undefined : list

/** Applies events to buckets, and keeps the reference counts of blobs. */
export const applyEvent = (
  buckets: Map<string, Bucket>,
  blobs: Pick<Blobs, 'hold' | 'release'>
): ((event: Event) => void) => {
  const share = shareAttributes()
  const putVersion = ({ objects }: Bucket, key: string, given: Version): void => {
    const version = given._tag === 'Object' ? { ...given, attributes: share(given.attributes) } : given
    blobs.hold(segmentsOf(version))
    objects.update(key, (versions) => {
      if (versions === undefined) return [version]
      const others = versions.filter(({ id }) => id !== version.id)
      for (const overwritten of versions)
        if (overwritten.id === version.id) blobs.release(segmentsOf(overwritten))
      return [version, ...others]
    })
  }
  const removeVersion = ({ objects }: Bucket, key: string, id: string): void => {
    objects.update(key, (versions = []) => {
      for (const version of versions) if (version.id === id) blobs.release(segmentsOf(version))
      return undefinedIfEmpty(versions.filter((version) => version.id !== id))
    })
  }
  const endUpload = ({ uploads }: Bucket, key: string, id: string): void => {
    uploads.update(key, (open = []) => {
      for (const upload of open)
        if (upload.id === id) for (const { content } of upload.parts.values()) blobs.release(content.segments)
      return undefinedIfEmpty(open.filter((upload) => upload.id !== id))
    })
  }
  const updateObject = (
    { objects }: Bucket,
    key: string,
    matches: (version: StoredObject, at: number) => boolean,
    change: (version: StoredObject) => StoredObject
  ): void => {
    objects.update(key, (versions) =>
      versions?.map((version, at) =>
        version._tag === 'Object' && matches(version, at) ? change(version) : version
      )
    )
  }
  const putPart = (bucket: Bucket, key: string, id: string, part: Part): void => {
    const upload = uploadOf(bucket, key, id)
    if (upload === undefined) return
    blobs.hold(part.content.segments)
    blobs.release(upload.parts.get(part.number)?.content.segments ?? [])
    upload.parts.set(part.number, part)
  }

  return (event) => {
    if (event._tag === 'BucketMade') {
      const { _tag, bucket: name, ...made } = event
      const content = {
        configurations: new Map(),
        objects: versionMap(),
        uploads: sortedMap<ReadonlyArray<Upload>>()
      }
      buckets.set(name, { name, ...made, grants: {}, ...content })
      return
    }
    const bucket = buckets.get(event.bucket)
    if (bucket === undefined) return
    switch (event._tag) {
      case 'BucketChanged': {
        const { versioning, acl, grants } = event
        const { complete: _complete, ...rest } = bucket
        const complete = event.complete === undefined ? {} : { complete: event.complete }
        const granted = grants === undefined ? bucket : { ...rest, grants, ...complete }
        buckets.set(bucket.name, { ...granted, versioning, acl })
        return
      }
      case 'BucketConfigured': {
        const configurations = new Map(bucket.configurations)
        if (event.document === null) configurations.delete(event.name)
        else configurations.set(event.name, event.document)
        buckets.set(bucket.name, { ...bucket, configurations })
        return
      }
      case 'BucketRemoved':
        buckets.delete(bucket.name)
        return
      case 'VersionPut':
        putVersion(bucket, event.key, event.version)
        return
      case 'VersionRemoved':
        removeVersion(bucket, event.key, event.id)
        return
      case 'Appended': {
        const { modified, content } = event
        blobs.hold(content.segments)
        updateObject(
          bucket,
          event.key,
          (_, at) => at === 0,
          (version) => {
            const segments = [...version.content.segments, ...content.segments]
            return { ...version, modified, content: { ...content, segments } }
          }
        )
        return
      }
      case 'AttributesPut':
      case 'RestoreAsked': {
        const change =
          event._tag === 'RestoreAsked' ? { restore: event.restore } : { attributes: event.attributes }
        updateObject(
          bucket,
          event.key,
          ({ id }) => id === event.id,
          (version) => ({ ...version, ...change })
        )
        return
      }
      case 'UploadMade': {
        const { id, initiated, attributes } = event
        const upload: Upload = { id, initiated, attributes, parts: new Map() }
        bucket.uploads.update(event.key, (open = []) =>
          [...open, upload].sort((a, b) => (a.id < b.id ? -1 : 1))
        )
        return
      }
      case 'PartPut':
        putPart(bucket, event.key, event.id, event.part)
        return
      case 'UploadAborted':
        endUpload(bucket, event.key, event.id)
        return
      case 'UploadCompleted':
        putVersion(bucket, event.key, event.version)
        endUpload(bucket, event.key, event.id)
        return
    }
  }
}

/** Yields the fewest events that recreate these buckets. */
export function* snapshotEvents(buckets: Iterable<Bucket>): Generator<Event, void, undefined> {
  for (const { name: bucket, created, versioning, acl, objects, uploads, ...rest } of buckets) {
    const { grants, complete, configurations, ...kind } = rest
    yield { _tag: 'BucketMade', bucket, created, versioning, acl, ...kind }
    if (complete === true || Object.keys(grants).length > 0)
      yield { _tag: 'BucketChanged', bucket, versioning, acl, grants, ...(complete && { complete }) }
    for (const [name, document] of configurations) yield { _tag: 'BucketConfigured', bucket, name, document }
    for (const [key, versions] of objects.from(() => true))
      for (const version of versions.toReversed()) yield { _tag: 'VersionPut', bucket, key, version }
    for (const [key, open] of uploads.from(() => true))
      for (const { id, initiated, attributes, parts } of open) {
        yield { _tag: 'UploadMade', bucket, key, id, initiated, attributes }
        for (const part of parts.values()) yield { _tag: 'PartPut', bucket, key, id, part }
      }
  }
}
