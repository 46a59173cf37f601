/** The tables of lib/operations/README.md are current, and have every parameter of the Python SDK's guide. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { top } from './support/top.js'
import { rowsOf, sections, withTables } from './support/parameter-tables.js'

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

const path = resolve(top, 'lib/operations/README.md')

t.test('the tables of lib/operations/README.md are current', async (t) => {
  const readme = readFileSync(path, 'utf8')
  const current = withTables(readme, guide)
  // `npm run docs` runs this spec with the variable.
  if (process.env['WRITE_DOCS'] !== undefined) writeFileSync(path, current)
  else t.equal(readme, current, 'otherwise run: npm run docs')
})

t.test('every parameter of every method of the guide has a field', async (t) => {
  for (const [method, parameters] of Object.entries(guide)) {
    const section = sections.find(({ methods }) => methods.includes(method))
    if (section === undefined) {
      t.fail(`${method} has no section`)
      continue
    }
    const names = rowsOf(section, new Set(parameters.split(' '))).flatMap(({ python }) => python.split(' '))
    t.same(names.filter((name) => name !== '').sort(), parameters.split(' ').sort(), method)
  }
})

t.test('every field of every operation is in its table with a COS name', async (t) => {
  for (const section of sections) {
    const rows = rowsOf(section, new Set())
    const unnamed = rows.filter(
      ({ wire, path }) => wire === '' && !path.includes('.') && path !== 'allowPathLikeKey'
    )
    t.same(
      unnamed.map(({ path }) => path),
      [],
      section.name
    )
  }
})
