/** PUT, GET and DELETE Object tagging. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import type { Element } from '../../core/element.js'
import { type Xml, toFields } from '../../core/xml.js'
import { readXmlBody } from '../http/read-body.js'
import type { EmulatorContext, Handler, RoutedRequest } from '../http/request.js'
import { empty, xml } from '../http/response.js'
import { type ServiceError } from '../http/service-error.js'
import type { StoredObject } from '../store/model.js'
import type { Bucket } from '../store/state.js'
import { checkTags, type Tags } from './shared/attributes.js'
import { authorizeBucket, objectOf } from './shared/objects.js'

interface Tagged {
  readonly bucket: Bucket
  readonly object: StoredObject
  readonly headers: Readonly<Record<string, string>>
}

const find = (context: EmulatorContext, request: RoutedRequest): E.Either<ServiceError, Tagged> =>
  pipe(
    authorizeBucket(context, request),
    E.bindTo('bucket'),
    E.bind('object', ({ bucket }) => objectOf(bucket, request.key, request.query['versionId'])),
    E.map(({ bucket, object }) => ({
      ...{ bucket, object },
      headers: bucket.versioning === 'Off' ? {} : { 'x-cos-version-id': object.id }
    }))
  )

const tagOf = ([key, value]: readonly [string, string]): Xml => [
  'Tag',
  [
    ['Key', key],
    ['Value', value]
  ]
]

export const taggingXml = (tags: Tags): Xml => ['Tagging', [['TagSet', tags.map(tagOf)]]]

export const getObjectTagging: Handler = (context, request) => async () =>
  pipe(
    find(context, request),
    E.map(({ object, headers }) => xml(taggingXml(object.attributes.tags), headers))
  )

const setTags =
  (status: number, tags: Tags): Handler =>
  (context, request) =>
  async () => {
    const found = find(context, request)
    if (E.isLeft(found)) return found
    const { bucket, object, headers } = found.right
    await context.store.commit({
      ...{ _tag: 'AttributesPut', bucket: bucket.name, key: request.key, id: object.id },
      attributes: { ...object.attributes, tags }
    })
    return E.right(empty(status, headers))
  }

/** Reads the children of `Tagging`. */
const readTagging = (rows: ReadonlyArray<Element>): E.Either<ServiceError, Tags> =>
  checkTags(
    rows
      .filter(({ name }) => name === 'TagSet')
      .flatMap(({ children }) => children)
      .filter(({ name }) => name === 'Tag')
      .map((row) => {
        const { Key: key, Value: value } = toFields(row)
        return [typeof key === 'string' ? key : '', typeof value === 'string' ? value : '']
      })
  )

export const putObjectTagging: Handler = (context, request) => async () => {
  const found = find(context, request)
  if (E.isLeft(found)) return found
  const tags = E.chain(readTagging)(await readXmlBody(request, 'Tagging', 64 * KiB))
  return E.isLeft(tags) ? tags : setTags(200, tags.right)(context, request)()
}

export const deleteObjectTagging: Handler = setTags(204, [])
