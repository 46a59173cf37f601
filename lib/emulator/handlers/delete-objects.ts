/** DELETE Multiple Objects. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { maxKeyBytes, withoutLeadingSlash } from '../../core/key.js'
import { MiB } from '../../core/limits.js'
import type { Element } from '../../core/element.js'
import { toFields, writeXml, type Xml } from '../../core/xml.js'
import { xmlStream } from '../http/response.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { optional } from './shared/listing.js'
import { authorizeBucket, bucketOf } from './shared/objects.js'
import { readXmlBody } from '../http/read-body.js'
import { type ServiceError, serviceError, fail } from '../http/service-error.js'
import { deleteVersion } from './delete-object.js'

const maxKeys = 1000
// A thousand of the longest keys, with each byte written as an entity.
const maxXml = 8 * MiB

interface KeyAndVersion {
  readonly key: string
  readonly versionId: string | undefined
}

interface DeleteRequest {
  readonly quiet: boolean
  readonly objects: ReadonlyArray<KeyAndVersion>
}

const readDeleteRequest = (rows: ReadonlyArray<Element>): E.Either<ServiceError, DeleteRequest> => {
  const objects = rows
    .filter(({ name }) => name === 'Object')
    .flatMap((row): ReadonlyArray<KeyAndVersion> => {
      const { Key: key, VersionId: versionId } = toFields(row)
      return typeof key === 'string' && key !== ''
        ? [
            {
              key: withoutLeadingSlash(key),
              versionId: typeof versionId === 'string' ? versionId : undefined
            }
          ]
        : []
    })
  const quiet =
    rows
      .find(({ name }) => name === 'Quiet')
      ?.text.trim()
      .toLowerCase() === 'true'
  const hasAllKeys = objects.length === rows.filter(({ name }) => name === 'Object').length
  return hasAllKeys && objects.length > 0 && objects.length <= maxKeys
    ? E.right({ quiet, objects })
    : fail('MalformedXML')
}

interface Outcome {
  readonly row: Xml
  readonly failed: boolean
  readonly committed: Promise<void>
}

const deleteOne = (
  context: EmulatorContext,
  request: RoutedRequest,
  { key, versionId }: KeyAndVersion
): Outcome => {
  const named: ReadonlyArray<Xml> = [
    ['Key', key],
    ...(versionId === undefined || versionId === '' ? [] : [['VersionId', versionId] as const])
  ]
  const deleted = pipe(
    Buffer.byteLength(key) > maxKeyBytes ? E.left(serviceError('KeyTooLong')) : bucketOf(context, request),
    E.chain((bucket) => deleteVersion(context, bucket, key, versionId))
  )
  if (E.isLeft(deleted)) {
    const { code, message } = deleted.left
    const reason: ReadonlyArray<Xml> = [
      ['Code', code],
      ['Message', message]
    ]
    return { row: ['Error', [...named, ...reason]], failed: true, committed: Promise.resolve() }
  }
  const { id, marker, committed } = deleted.right
  const rows: ReadonlyArray<Xml> = [
    ...named,
    ...optional(marker, ['DeleteMarker', 'true']),
    ...(marker && id !== undefined ? [['DeleteMarkerVersionId', id] as const] : [])
  ]
  return { row: ['Deleted', rows], failed: false, committed }
}

export const deleteObjects: Handler = (context, request) => async () => {
  const authorized = authorizeBucket(context, request)
  if (E.isLeft(authorized)) return authorized
  // COS requires Content-MD5 of this request only.
  if (request.headers['content-md5'] === undefined)
    return fail('InvalidDigest', 'Missing required header for this request: Content-MD5.')
  const deleteRequest = E.chain(readDeleteRequest)(await readXmlBody(request, 'Delete', maxXml))
  if (E.isLeft(deleteRequest)) return deleteRequest
  const { quiet, objects } = deleteRequest.right
  const outcomes = objects.map((named) => deleteOne(context, request, named))
  await Promise.all(outcomes.map(({ committed }) => committed))
  const rows = outcomes.flatMap(({ row, failed }) => (quiet && !failed ? [] : [writeXml(row)]))
  return E.right(xmlStream(['DeleteResult', []], rows))
}
