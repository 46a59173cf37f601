/** The README's tables: every parameter of the Python SDK's guide is in them, and every name of ours is a name. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { top } from './support/top.js'
import * as cospipe from '../lib/index.js'

/** From the guide's own tables, method by method. */
const guide: Readonly<Record<string, string>> = {
  list_objects: 'Bucket Prefix Delimiter Marker MaxKeys EncodingType',
  list_objects_versions: 'Bucket Prefix Delimiter KeyMarker VersionIdMarker MaxKeys EncodingType',
  put_object:
    'Bucket Body Key EnableMD5 ACL GrantFullControl GrantRead StorageClass Expires CacheControl ContentType ContentDisposition ContentEncoding ContentLanguage ContentLength ContentMD5 Metadata TrafficLimit LocalFilePath',
  head_object: 'Bucket Key VersionId IfModifiedSince',
  get_object:
    'Bucket Key Range IfMatch IfModifiedSince IfNoneMatch IfUnmodifiedSince ResponseCacheControl ResponseContentDisposition ResponseContentEncoding ResponseContentLanguage ResponseContentType ResponseExpires VersionId TrafficLimit',
  copy_object:
    'Bucket Key CopySource.Bucket CopySource.Key CopySource.Region CopySource.VersionId CopyStatus ACL GrantFullControl GrantRead StorageClass Expires CacheControl ContentType ContentDisposition ContentEncoding ContentLanguage Metadata',
  delete_object: 'Bucket Key VersionId',
  delete_objects: 'Bucket Delete.Object[] Delete.Object[].Key Delete.Object[].VersionId Delete.Quiet',
  restore_object: 'Bucket Key RestoreRequest.Days RestoreRequest.CASJobParameters.Tier',
  select_object_content:
    'Bucket Key Expression ExpressionType InputSerialization.CompressionType InputSerialization.JSON.Type InputSerialization.CSV OutputSerialization.CSV OutputSerialization.JSON RequestProgress.Enabled',
  list_multipart_uploads: 'Bucket Prefix Delimiter KeyMarker UploadIdMarker MaxUploads EncodingType',
  create_multipart_upload:
    'Bucket Key StorageClass Expires CacheControl ContentType ContentDisposition ContentEncoding ContentLanguage Metadata ACL GrantFullControl GrantRead',
  upload_part: 'Bucket Key Body PartNumber UploadId EnableMD5 ContentLength ContentMD5 TrafficLimit',
  upload_part_copy:
    'Bucket Key PartNumber UploadId CopySource.Bucket CopySource.Key CopySource.Region CopySource.VersionId CopySourceRange CopySourceIfMatch CopySourceIfModifiedSince CopySourceIfNoneMatch CopySourceIfUnmodifiedSince',
  list_parts: 'Bucket Key UploadId MaxParts PartNumberMarker EncodingType',
  complete_multipart_upload:
    'Bucket Key UploadId MultipartUpload.Part[] MultipartUpload.Part[].ETag MultipartUpload.Part[].PartNumber',
  abort_multipart_upload: 'Bucket Key UploadId'
}

const readme = readFileSync(resolve(top, 'README.md'), 'utf8')

interface Section {
  readonly method: string
  readonly ours: string
  /** The rows of its inputs: their name, and ours. */
  readonly rows: ReadonlyArray<readonly [theirs: string, ours: string]>
}

const codes = (cell: string): string => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code).join(' ')

const sections: ReadonlyArray<Section> = readme
  .split('<details>')
  .slice(1)
  .map((text) => {
    const summary = /<summary>(.*)<\/summary>/.exec(text)?.[1] ?? ''
    const names = [...summary.matchAll(/<code>(\w+)<\/code>/g)].map(([, name]) => name!)
    const table = /^\| Python SDK +\|[^]*?\n\n/m.exec(text)?.[0] ?? ''
    const rows = table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) => row.split(/(?<!\\)\|/).slice(1, 3))
      .map(([theirs = '', ours = '']) => [codes(theirs), codes(ours)] as const)
    return { method: names[0]!, ours: names.at(-1)!, rows }
  })

t.test('every parameter of every method is in the table', async (t) => {
  for (const [method, parameters] of Object.entries(guide)) {
    const rows = sections.find((section) => section.method === method)?.rows ?? []
    const named = rows.flatMap(([theirs]) => theirs.split(' ')).sort()
    t.same(named, parameters.split(' ').sort(), method)
  }
})

type Make = (input: object) => cospipe.Operation<unknown>

t.test('every name of ours is a name that the operation knows', async (t) => {
  for (const { method, ours, rows } of sections.filter(({ method }) => method in guide)) {
    const make = (cospipe as unknown as Readonly<Record<string, Make>>)[ours]!
    for (const name of new Set(rows.map(([, cell]) => /^\w+/.exec(cell)?.[0] ?? ''))) {
      const { request } = make({ [name]: Symbol('nonsense') })
      const refused = E.isLeft(request) && request.left.problem === 'unknown'
      t.notOk(refused, `${method}: ${name}`)
    }
  }
  const { request } = (cospipe.headObject as Make)({ nonsense: Symbol('nonsense') })
  t.ok(E.isLeft(request) && request.left.problem === 'unknown', 'and one that is not is refused')
})
