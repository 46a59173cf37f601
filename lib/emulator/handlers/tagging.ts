/** GET Object tagging: the tags given at the time of writing. PUT and DELETE Object tagging are not implemented. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Xml } from '../../core/xml.js'
import { authorize } from '../http/authorization.js'
import type { Handler } from '../http/request.js'
import { xml } from '../http/response.js'
import { bucketOf, objectOf } from './shared/objects.js'

const tagOf = ([key, value]: readonly [string, string]): Xml => [
  'Tag',
  [
    ['Key', key],
    ['Value', value]
  ]
]

export const getObjectTagging: Handler = (context, request) => async () =>
  pipe(
    bucketOf(context, request),
    E.chainFirst((bucket) => authorize(request, bucket)),
    E.chain((bucket) => objectOf(bucket, request.key, request.query['versionId'])),
    E.map(({ attributes }) => xml(['Tagging', [['TagSet', attributes.tags.map(tagOf)]]]))
  )
