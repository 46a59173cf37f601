/** The stored values and the events that change them, as codecs of the journal. Independent of HTTP. */
import * as t from 'io-ts'
import * as W from '../../core/wire.js'

/** A range of a blob; without a blob, zeros that take no memory. */
export const Segment = t.readonly(
  t.type({ blob: t.union([t.string, t.null]), offset: t.number, size: t.number })
)
export type Segment = t.TypeOf<typeof Segment>

/** The bytes of an object or a part: their segments, and the hashes computed while they were received. */
export const Content = t.readonly(
  t.type({
    size: t.number,
    /** Quotes included. */
    etag: t.string,
    crc64: W.Crc64,
    segments: t.readonlyArray(Segment)
  })
)
export type Content = t.TypeOf<typeof Content>

export const Encryption = t.union([
  t.readonly(t.type({ _tag: t.literal('None') })),
  t.readonly(t.type({ _tag: t.literal('Cos') })),
  t.readonly(t.type({ _tag: t.literal('Kms'), keyId: t.string })),
  // The bytes are stored unencrypted. Only the MD5 of a customer's key is stored, to compare later requests with it.
  t.readonly(t.type({ _tag: t.literal('Customer'), keyMd5: t.string }))
])
export type Encryption = t.TypeOf<typeof Encryption>

const Grants = t.readonly(t.record(t.string, t.string))

/** Who may read and write a bucket or an object. */
export interface Acl {
  /** `x-cos-acl`, such as `public-read`. */
  readonly acl: string
  /** As `x-cos-grant-*` headers have them. */
  readonly grants: t.TypeOf<typeof Grants>
  /** The ACL was written as a document: its grants are complete, without the owner's if it does not list it. */
  readonly complete?: true
}

/** The attributes of an object that its writer specified. */
export const Attributes = t.readonly(
  t.intersection([
    t.type({
      /** `content-type`, `cache-control` and the other entity headers, and `x-cos-meta-*`; names in lower case. */
      headers: t.readonly(t.record(t.string, t.string)),
      storageClass: t.string,
      acl: t.string,
      grants: Grants,
      encryption: Encryption,
      tags: t.readonlyArray(t.readonly(t.tuple([t.string, t.string])))
    }),
    t.partial({ complete: t.literal(true) })
  ])
)
export type Attributes = t.TypeOf<typeof Attributes>

/** A requested restore; its state depends on the clock alone. Milliseconds of Unix time. */
export const Restore = t.readonly(
  t.type({ requested: t.number, done: t.number, expires: t.number, tier: t.string })
)
export type Restore = t.TypeOf<typeof Restore>

const StoredObject = t.readonly(
  t.intersection([
    t.type({
      _tag: t.literal('Object'),
      /** `null` if the version was written while versioning was off or suspended. */
      id: t.string,
      modified: t.number,
      content: Content,
      attributes: Attributes
    }),
    t.partial({
      restore: Restore,
      /** Written by APPEND Object. */
      appendable: t.literal(true),
      /** A link, with its target as PUT symlink named it. The content is the key of the target. */
      symlink: t.string
    })
  ])
)
export type StoredObject = t.TypeOf<typeof StoredObject>

const DeleteMarker = t.readonly(t.type({ _tag: t.literal('DeleteMarker'), id: t.string, modified: t.number }))

export const Version = t.union([StoredObject, DeleteMarker])
export type Version = t.TypeOf<typeof Version>

export const Part = t.readonly(t.type({ number: t.number, modified: t.number, content: Content }))
export type Part = t.TypeOf<typeof Part>

const Versioning = t.union([t.literal('Off'), t.literal('Enabled'), t.literal('Suspended')])
export type Versioning = t.TypeOf<typeof Versioning>

const BucketAcl = t.union([
  t.literal('private'),
  t.literal('public-read'),
  t.literal('public-read-write'),
  t.literal('authenticated-read')
])
export type BucketAcl = t.TypeOf<typeof BucketAcl>

/** What PUT Bucket decides for the life of a bucket. */
export const BucketKind = t.readonly(
  t.partial({
    /** Where the bucket is. Without a region it is reached by the hosts of every region. */
    region: t.string,
    /** A multi-AZ bucket, with storage classes of its kind. */
    az: t.literal('MAZ'),
    /** A bucket with metadata acceleration. It is reported, and has no effect. */
    arch: t.literal('OFS')
  })
)
export type BucketKind = t.TypeOf<typeof BucketKind>

// -- events --
const at = { bucket: t.string, key: t.string }

/** Every change of the store is one of these. The journal is a file of them. */
export const Event = t.union([
  t.readonly(
    t.intersection([
      t.type({
        _tag: t.literal('BucketMade'),
        bucket: t.string,
        created: t.number,
        versioning: Versioning,
        acl: BucketAcl
      }),
      BucketKind
    ])
  ),
  /** Without grants, those of the bucket stay. */
  t.readonly(
    t.intersection([
      t.type({ _tag: t.literal('BucketChanged'), bucket: t.string, versioning: Versioning, acl: BucketAcl }),
      t.partial({ grants: Grants, complete: t.literal(true) })
    ])
  ),
  /** Stores a configuration document of a bucket; `null` removes it. */
  t.readonly(
    t.type({
      _tag: t.literal('BucketConfigured'),
      bucket: t.string,
      name: t.string,
      document: t.union([t.string, t.null])
    })
  ),
  t.readonly(t.type({ _tag: t.literal('BucketRemoved'), bucket: t.string })),
  /** Adds the latest version; replaces a version with the same id. */
  t.readonly(t.type({ _tag: t.literal('VersionPut'), ...at, version: Version })),
  t.readonly(t.type({ _tag: t.literal('VersionRemoved'), ...at, id: t.string })),
  /** Adds bytes to the end of the latest version. Its content has the new size and hashes, and the added segments only. */
  t.readonly(t.type({ _tag: t.literal('Appended'), ...at, modified: t.number, content: Content })),
  /** Replaces the attributes of a version: its ACL or its tags. */
  t.readonly(t.type({ _tag: t.literal('AttributesPut'), ...at, id: t.string, attributes: Attributes })),
  t.readonly(t.type({ _tag: t.literal('RestoreAsked'), ...at, id: t.string, restore: Restore })),
  t.readonly(
    t.type({
      _tag: t.literal('UploadMade'),
      ...at,
      id: t.string,
      initiated: t.number,
      attributes: Attributes
    })
  ),
  t.readonly(t.type({ _tag: t.literal('PartPut'), ...at, id: t.string, part: Part })),
  t.readonly(t.type({ _tag: t.literal('UploadAborted'), ...at, id: t.string })),
  /** One event, so that a crash cannot leave both the object and its upload. */
  t.readonly(t.type({ _tag: t.literal('UploadCompleted'), ...at, id: t.string, version: Version }))
])
export type Event = t.TypeOf<typeof Event>

/** Segments of `size` zeros, for seed objects. */
export const zeros = (size: number): ReadonlyArray<Segment> =>
  size === 0 ? [] : [{ blob: null, offset: 0, size }]

/** A range of segments; `first` and `size` in bytes. */
export const slice = (
  segments: ReadonlyArray<Segment>,
  first: number,
  size: number
): ReadonlyArray<Segment> => {
  const out: Array<Segment> = []
  let start = 0
  for (const segment of segments) {
    const from = Math.max(first, start)
    const to = Math.min(first + size, start + segment.size)
    if (from < to) out.push({ blob: segment.blob, offset: segment.offset + from - start, size: to - from })
    start += segment.size
  }
  return out
}
