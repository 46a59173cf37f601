/** PUT, GET and DELETE of a bucket's configurations, one handler for each method. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import {
  type Configuration,
  type ConfigurationName,
  type ConfigurationOperation,
  configurationNames,
  configurations
} from '../http/configurations.js'
import { readDocument } from '../http/read-body.js'
import type { Handler, RoutedRequest } from '../http/request.js'
import { documentResponse, empty } from '../http/response.js'
import { type ServiceError, fail } from '../http/service-error.js'
import type { Bucket } from '../store/state.js'
import { checkDocument } from './shared/bucket-documents.js'
import { authorizeBucket, bucketOf } from './shared/objects.js'

const maxDocument = 256 * KiB

/** The name of the document that a request is about; undefined for all documents of a kind. */
const documentName = (
  { parameter, id, list, sameAs }: Configuration,
  { query }: RoutedRequest
): E.Either<ServiceError, string | undefined> => {
  if (id === undefined) return E.right(sameAs ?? parameter)
  const value = query[id] ?? ''
  if (value !== '') return E.right(`${parameter}/${value}`)
  return list === undefined ? fail('InvalidArgument', `The parameter ${id} is missing.`) : E.right(undefined)
}

const put =
  (name: ConfigurationName): Handler =>
  (context, request) =>
  async () => {
    const configuration: Configuration = configurations[name]
    const before = pipe(
      authorizeBucket(context, request),
      E.chain(() => documentName(configuration, request))
    )
    if (E.isLeft(before)) return before
    const stored = before.right
    if (stored === undefined)
      return fail('InvalidArgument', `The parameter ${configuration.id ?? ''} is missing.`)
    const { bucket } = request
    const document = await readDocument(request, maxDocument)
    // The Python SDK deletes a referer configuration by PUT without a body.
    const isRemoval =
      E.isLeft(document) && document.left.code === 'MissingRequestBodyError' && name === 'Referer'
    const checked = isRemoval
      ? E.right(null)
      : pipe(
          document,
          E.chain((bytes) => checkDocument(name, bytes))
        )
    if (E.isLeft(checked)) return checked
    const after = bucketOf(context, request)
    if (E.isLeft(after)) return after
    await context.store.commit({ _tag: 'BucketConfigured', bucket, name: stored, document: checked.right })
    return E.right(empty(200))
  }

const declaration = /^\uFEFF?\s*<\?xml[^>]*\?>\s*/

const listDocuments = (
  { parameter, list = '' }: Configuration,
  documents: Bucket['configurations']
): string =>
  [
    `<${list}>`,
    ...[...documents].flatMap(([name, document]) =>
      name.startsWith(`${parameter}/`) ? [document.replace(declaration, '')] : []
    ),
    `<IsTruncated>false</IsTruncated></${list}>`
  ].join('')

const get =
  (name: ConfigurationName): Handler =>
  (context, request) =>
  async () => {
    const configuration: Configuration = configurations[name]
    const { root, absent } = configuration
    return pipe(
      E.Do,
      E.apS('bucket', authorizeBucket(context, request)),
      E.apS('stored', documentName(configuration, request)),
      E.chain(({ bucket, stored }) => {
        if (stored === undefined) return E.right(listDocuments(configuration, bucket.configurations))
        const document = bucket.configurations.get(stored)
        if (document !== undefined) return E.right(document)
        return absent === 'EmptyDocument' ? E.right(`<${root ?? ''}/>`) : fail(absent)
      }),
      E.map((document) =>
        documentResponse(document, root === undefined ? 'application/json' : 'application/xml')
      )
    )
  }

const remove =
  (name: ConfigurationName): Handler =>
  (context, request) =>
  async () => {
    const stored = pipe(
      authorizeBucket(context, request),
      E.chain(() => documentName(configurations[name], request))
    )
    if (E.isLeft(stored)) return stored
    if (stored.right === undefined) return fail('InvalidArgument', 'The parameter id is missing.')
    const { bucket } = request
    await context.store.commit({ _tag: 'BucketConfigured', bucket, name: stored.right, document: null })
    return E.right(empty(204))
  }

export const configurationHandlers: ReadonlyMap<string, Handler> = new Map(
  configurationNames.flatMap((name): ReadonlyArray<readonly [ConfigurationOperation, Handler]> => [
    [`PutBucket${name}`, put(name)],
    [`GetBucket${name}`, get(name)],
    [`DeleteBucket${name}`, remove(name)]
  ])
)
