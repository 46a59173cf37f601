/** Complete Multipart Upload: parts become an object, without one of their bytes being moved. */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import { MiB } from '../../core/limits.js'
import { type Element, toFields } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import { checkBeyond } from './shared/attributes.js'
import type { Handler } from '../http/request.js'
import { checkOverwrite, newObject, writtenHeaders } from './shared/objects.js'
import { readXmlBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Content, Part } from '../store/model.js'
import type { Upload } from '../store/state.js'
import { maxParts, openUpload } from './multipart.js'

// 10,000 parts take 889 KB when they are written without white space.
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
  const sound = listed.every(({ number, etag }) => number >= 1 && number <= maxParts && etag !== '')
  return sound && listed.length > 0 ? E.right(listed) : fail('MalformedXML')
}

const bare = (etag: string): string => etag.replace(/^"(.*)"$/, '$1')

/** The parts that a list names, in its order: ascending, from 1 without a gap, each the one that was uploaded last. */
const choose = (
  upload: Upload,
  listed: ReadonlyArray<ListedPart>,
  minPartSize: number
): E.Either<ServiceError, ReadonlyArray<Part>> => {
  const disorder = listed.some(({ number }, at) => at > 0 && number <= (listed[at - 1]?.number ?? 0))
  if (disorder) return fail('InvalidPartOrder')
  const parts = listed.flatMap(({ number, etag }, at) => {
    const part = upload.parts.get(number)
    return part !== undefined && number === at + 1 && bare(part.content.etag) === bare(etag) ? [part] : []
  })
  if (parts.length < listed.length) return fail('InvalidPart')
  const small = parts.slice(0, -1).some(({ content }) => content.size < minPartSize)
  return small ? fail('EntityTooSmall') : E.right(parts)
}

/** 32 hex digits and the number of parts. The digits are nobody's to compute: COS's are not S3's MD5 of MD5s. */
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

export const completeMultipartUpload: Handler = (house, call) => async () => {
  const before = pipe(
    openUpload(house, call),
    E.chainFirst(({ bucket }) => checkOverwrite(bucket, call.key, call.headers)),
    E.chainFirst(() => checkBeyond(call.headers))
  )
  if (E.isLeft(before)) return before
  const rows = await readXmlBody(call, 'CompleteMultipartUpload', maxXml)
  // Asked anew: two may complete the same upload at once.
  const chosen = pipe(
    E.Do,
    E.apS('rows', rows),
    E.bind('open', () => openUpload(house, call)),
    E.chainFirst(({ open }) => checkOverwrite(open.bucket, call.key, call.headers)),
    E.bind('listed', (all) => readList(all.rows)),
    E.bind('parts', ({ open, listed }) => choose(open.upload, listed, house.settings.minPartSize))
  )
  if (E.isLeft(chosen)) return chosen
  const { open, parts } = chosen.right
  const { bucket, upload } = open
  const { key, host, rawPath } = call
  const version = newObject(bucket, house.settings.now(), join(upload, parts), upload.attributes)
  await house.store.commit({ _tag: 'UploadCompleted', bucket: bucket.name, key, id: upload.id, version })
  const { etag: _etag, ...headers } = writtenHeaders(bucket, version)
  return E.right(
    xmlStream(
      [
        'CompleteMultipartUploadResult',
        [
          ['Location', `http://${host}${rawPath}`],
          ['Bucket', bucket.name],
          ['Key', key],
          ['ETag', version.content.etag]
        ]
      ],
      [],
      // Unlike PUT, this page tells of suspended versioning too.
      { ...headers, ...(bucket.versioning === 'Suspended' ? { 'x-cos-version-id': version.id } : {}) }
    )
  )
}
