/** Complete Multipart Upload: joins parts into an object without copying their bytes. */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import { MiB } from '../../core/limits.js'
import type { Element } from '../../core/element.js'
import { toFields } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import { rejectProcessing } from './shared/attributes.js'
import type { Handler } from '../http/request.js'
import { checkOverwrite, newObject, writtenHeaders } from './shared/objects.js'
import { readXmlBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Content, Part } from '../store/model.js'
import type { Upload } from '../store/state.js'
import { maxParts, openUpload } from './multipart.js'

// 10,000 parts are 889 KB of XML without white space.
const maxXml = MiB

interface ListedPart {
  readonly number: number
  readonly etag: string
}

const readList = (rows: ReadonlyArray<Element>): E.Either<ServiceError, ReadonlyArray<ListedPart>> => {
  const listed = rows
    .filter(({ name }) => name === 'Part')
    .map((row): ListedPart => {
      const { PartNumber: number, ETag: etag } = toFields(row)
      return {
        number: typeof number === 'string' && /^\s*\d{1,6}\s*$/.test(number) ? Number(number) : 0,
        etag: typeof etag === 'string' ? etag.trim() : ''
      }
    })
  const isValid = listed.every(({ number, etag }) => number >= 1 && number <= maxParts && etag !== '')
  return isValid && listed.length > 0 ? E.right(listed) : fail('MalformedXML')
}

const unquote = (etag: string): string => etag.replace(/^"(.*)"$/, '$1')

/** The listed parts, in ascending order, from 1 without a gap. Each ETag must be that of the latest upload of the part. */
const chooseParts = (
  upload: Upload,
  listed: ReadonlyArray<ListedPart>,
  minPartSize: number
): E.Either<ServiceError, ReadonlyArray<Part>> => {
  const isUnordered = listed.some(({ number }, at) => at > 0 && number <= (listed[at - 1]?.number ?? 0))
  if (isUnordered) return fail('InvalidPartOrder')
  const parts = listed.flatMap(({ number, etag }, at) => {
    const part = upload.parts.get(number)
    return part !== undefined && number === at + 1 && unquote(part.content.etag) === unquote(etag)
      ? [part]
      : []
  })
  if (parts.length < listed.length) return fail('InvalidPart')
  const hasSmallPart = parts.slice(0, -1).some(({ content }) => content.size < minPartSize)
  return hasSmallPart ? fail('EntityTooSmall') : E.right(parts)
}

/** 32 hex digits and the number of parts. Clients cannot compute the digits: COS's are not S3's MD5 of MD5s. */
const joinedEtag = (upload: Upload, parts: ReadonlyArray<Part>): string => {
  const digits = createHash('md5').update(upload.id)
  for (const { content } of parts) digits.update(content.etag)
  return `"${digits.digest('hex')}-${String(parts.length)}"`
}

const join = (upload: Upload, parts: ReadonlyArray<Part>): Content => ({
  ...combineAllCrc64(parts.map(({ content }) => content)),
  etag: joinedEtag(upload, parts),
  segments: parts.flatMap(({ content }) => content.segments)
})

export const completeMultipartUpload: Handler = (context, request) => async () => {
  const before = pipe(
    openUpload(context, request),
    E.chainFirst(({ bucket }) => checkOverwrite(bucket, request.key, request.headers)),
    E.chainFirst(() => rejectProcessing(request.headers))
  )
  if (E.isLeft(before)) return before
  const rows = await readXmlBody(request, 'CompleteMultipartUpload', maxXml)
  // Checked again after the body: a parallel request may have completed the upload meanwhile.
  const chosen = pipe(
    E.Do,
    E.apS('rows', rows),
    E.bind('open', () => openUpload(context, request)),
    E.chainFirst(({ open }) => checkOverwrite(open.bucket, request.key, request.headers)),
    E.bind('listed', (all) => readList(all.rows)),
    E.bind('parts', ({ open, listed }) => chooseParts(open.upload, listed, context.settings.minPartSize))
  )
  if (E.isLeft(chosen)) return chosen
  const { open, parts } = chosen.right
  const { bucket, upload } = open
  const { key, scheme, host, rawPath } = request
  const version = newObject(bucket, context.settings.now(), join(upload, parts), upload.attributes)
  await context.store.commit({ _tag: 'UploadCompleted', bucket: bucket.name, key, id: upload.id, version })
  const { etag: _etag, ...headers } = writtenHeaders(bucket, version)
  return E.right(
    xmlStream(
      [
        'CompleteMultipartUploadResult',
        [
          ['Location', `${scheme}://${host}${rawPath}`],
          ['Bucket', bucket.name],
          ['Key', key],
          ['ETag', version.content.etag]
        ]
      ],
      [],
      // Unlike PUT's page, the page of Complete shows a version id while versioning is suspended.
      { ...headers, ...(bucket.versioning === 'Suspended' ? { 'x-cos-version-id': version.id } : {}) }
    )
  )
}
