/** Deletes any number of keys in batches of 1,000, with a result for each key. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { Key, toInputKey } from '../../core/key.js'
import { contextOf, validate } from '../../core/operation.js'
import { bucketRef, type BucketRef } from '../../core/request.js'
import { escapeXml, isXmlText } from '../../core/xml.js'
import type { Client } from '../../client/client.js'
import { isTransient } from '../../client/retry.js'
import { send } from '../../client/send.js'
import { deleteObject } from '../../operations/delete-object.js'
import {
  deleteObjects,
  type DeleteObjectsResult,
  type DeleteResult,
  type DeleteFailure,
  type ObjectToDelete
} from '../../operations/delete-objects.js'
import { VersionId } from '../../operations/parameters/versions.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { runEach, type OnItemError } from '../shared/run-each.js'

export interface DeleteKeysInput extends BucketRef {
  /** Requests in flight, 1 to 1,000. Default: 4. */
  readonly concurrency?: number
  /** Asks COS to report failures only. The response is shorter, and results have no `deleteMarker`. Default: false. */
  readonly quiet?: boolean
}

/** Fields for a codec. */
export const deleteKeysOptions: In.FieldsOf<DeleteKeysInput> = {
  ...bucketRef,
  concurrency: In.optional(In.integer(1, 1000)),
  quiet: In.optional(In.boolean)
}

const Input = In.struct<DeleteKeysInput>('DeleteKeysInput', deleteKeysOptions)

/**
 * A key as a listing returns it, or a listing entry. The key is used unchanged, including a leading slash. With a non-empty
 * `versionId`, that version is removed permanently.
 */
export type KeyToDelete = string | { readonly key: string; readonly versionId?: string }

interface DeleteRequest {
  /** As given by the caller. */
  readonly key: string
  readonly versionId: O.Option<string>
}

export type DeleteKeysResult =
  | (DeleteRequest & {
      readonly _tag: 'Deleted'
      /** A delete marker was created, or the removed version was a delete marker. */
      readonly deleteMarker: boolean
      readonly deleteMarkerVersionId: O.Option<string>
    })
  | (DeleteRequest & { readonly _tag: 'Failed'; readonly error: CosError })

const deleteRequestOf = (item: KeyToDelete): DeleteRequest => {
  const { key, versionId } = typeof item === 'string' ? { key: item, versionId: undefined } : item
  return { key, versionId: versionId === '' ? O.none : O.fromNullable(versionId) }
}

const objectOf = ({ key, versionId }: DeleteRequest): ObjectToDelete => ({
  key,
  ...(O.isSome(versionId) ? { versionId: versionId.value } : {})
})

// -- batches --
const maxKeys = 1000
// Bytes of XML. COS accepts about 1 MB, and 1,000 keys with escaped ampersands can exceed that.
const maxXmlSize = 900_000

/**
 * Whether the key can be sent in a batch. COS may drop a leading slash, and XML turns a carriage return into a line feed:
 * the response would then not name the key that was sent.
 */
const fitsBatch = ({ key, versionId }: DeleteRequest): boolean =>
  !key.startsWith('/') &&
  !key.includes('\r') &&
  isXmlText(key) &&
  E.isRight(Key.decode(key)) &&
  (O.isNone(versionId) || E.isRight(VersionId.decode(versionId.value)))

const xmlSize = ({ key, versionId }: DeleteRequest): number =>
  Buffer.byteLength(escapeXml(key)) + O.getOrElse(() => '')(versionId).length + 64

type Batch =
  | { readonly _tag: 'Many'; readonly requests: ReadonlyArray<DeleteRequest> }
  | { readonly _tag: 'One'; readonly request: DeleteRequest }

/** If the source fails, the keys received before are yielded as a last batch, then its error is thrown. */
async function* toBatches(
  items: AsyncIterable<KeyToDelete> | Iterable<KeyToDelete>
): AsyncGenerator<ReadonlyArray<Batch>, void, undefined> {
  let batch: Array<DeleteRequest> = []
  let size = 0
  let failure: O.Option<unknown> = O.none
  try {
    for await (const item of items) {
      const request = deleteRequestOf(item)
      if (!fitsBatch(request)) {
        yield [{ _tag: 'One', request }]
        continue
      }
      const more = xmlSize(request)
      if (batch.length === maxKeys || size + more > maxXmlSize) {
        yield [{ _tag: 'Many', requests: batch }]
        batch = []
        size = 0
      }
      batch.push(request)
      size += more
    }
  } catch (thrown) {
    failure = O.some(thrown)
  }
  if (batch.length > 0) yield [{ _tag: 'Many', requests: batch }]
  if (O.isSome(failure)) throw failure.value
}

// -- requests --
const failedResult = ({ key, versionId }: DeleteRequest, error: CosError): DeleteKeysResult => ({
  _tag: 'Failed',
  key,
  versionId,
  error
})

const deleteOne = async (
  client: Client,
  ref: BucketRef,
  request: DeleteRequest
): Promise<DeleteKeysResult> => {
  const { key, versionId } = request
  const response = await send(deleteObject({ ...ref, ...objectOf(request), key: toInputKey(key) }))(client)()
  if (E.isLeft(response)) return failedResult(request, response.left)
  const { deleteMarker, versionId: resultVersionId } = response.right
  const deleteMarkerVersionId = deleteMarker && O.isNone(versionId) ? resultVersionId : O.none
  return { _tag: 'Deleted', key, versionId, deleteMarker, deleteMarkerVersionId }
}

const idOf = (key: string, versionId: O.Option<string>): string =>
  `${O.getOrElse(() => '')(versionId)}\0${key}`

/** The error that a batch's response reports for one key, as a `ServiceError`. */
const errorOf = (
  { bucket }: BucketRef,
  { requestId, headers }: DeleteObjectsResult,
  { key, code, message }: DeleteFailure
): CosError => ({
  _tag: 'ServiceError',
  context: { operation: 'DeleteObjects', bucket, key: O.some(key), attempts: 1 },
  status: 200,
  code,
  message,
  resource: key,
  requestId,
  traceId: '',
  headers
})

/**
 * The result of each key of a batch. None: the response does not mention the key, or reports an error that a retry may
 * resolve; the key is then deleted by a separate request.
 */
const settle = (
  { quiet = false, ...ref }: DeleteKeysInput,
  response: DeleteObjectsResult,
  requests: ReadonlyArray<DeleteRequest>
): ReadonlyArray<O.Option<DeleteKeysResult>> => {
  const reported = new Map<string, DeleteResult>(
    response.results.map((result) => [idOf(result.key, result.versionId), result])
  )
  const known = new Set(requests.map(({ key, versionId }) => idOf(key, versionId)))
  // With `quiet`, a key that is not mentioned was deleted, unless the response names keys that were not sent.
  const isSilenceSuccess = quiet && [...reported.keys()].every((id) => known.has(id))
  return requests.map((request): O.Option<DeleteKeysResult> => {
    const result = reported.get(idOf(request.key, request.versionId))
    if (result?._tag === 'Error') {
      const error = errorOf(ref, response, result)
      return isTransient(error) ? O.none : O.some(failedResult(request, error))
    }
    if (result === undefined && !isSilenceSuccess) return O.none
    return O.some({
      _tag: 'Deleted',
      ...request,
      deleteMarker: result?.deleteMarker ?? false,
      deleteMarkerVersionId: result?.deleteMarkerVersionId ?? O.none
    })
  })
}

const deleteMany = async (
  client: Client,
  input: DeleteKeysInput,
  requests: ReadonlyArray<DeleteRequest>
): Promise<ReadonlyArray<DeleteKeysResult>> => {
  const { concurrency: _concurrency, quiet = false, ...ref } = input
  const response = await send(deleteObjects({ ...ref, quiet, objects: requests.map(objectOf) }))(client)()
  if (E.isLeft(response)) return requests.map((request) => failedResult(request, response.left))
  const results: Array<DeleteKeysResult> = []
  for (const [index, result] of settle({ ...ref, quiet }, response.right, requests).entries()) {
    const request = requests[index]
    if (O.isSome(result)) results.push(result.value)
    else if (request !== undefined) results.push(await deleteOne(client, ref, request))
  }
  return results
}

export interface DeleteKeysWith extends DeleteKeysInput {
  readonly onError: OnItemError
}

/** Like `deleteKeys`, with a validated input and a failure policy: `stop` starts no request after the first failure. */
export const deleteKeysWith =
  (action: string, { onError, ...input }: DeleteKeysWith) =>
  (
    items: (client: Client) => AsyncIterable<KeyToDelete> | Iterable<KeyToDelete>
  ): EffectStream<DeleteKeysResult> => {
    const { concurrency, quiet: _quiet, ...ref } = input
    return runEach<Batch, DeleteKeysResult>(contextOf(action, input), {
      concurrency: concurrency ?? 4,
      onError,
      items: (client) => toBatches(items(client)),
      work: async (batch, client) =>
        batch._tag === 'One'
          ? [await deleteOne(client, ref, batch.request)]
          : deleteMany(client, input, batch.requests),
      failureOf: (result) => (result._tag === 'Failed' ? O.some(result.error) : O.none)
    })
  }

/**
 * Deletes any number of objects: 1,000 in a request, several requests in parallel. Keys that XML cannot carry, and keys with
 * a leading slash, are deleted one by one.
 *
 * Yields one result for each key, including failures. If a whole request fails, its error is the result of each of its keys.
 * Deleting an object that does not exist succeeds. If the source of the keys fails, the keys received before are deleted
 * and reported, then its error is thrown.
 *
 * @shape  `deleteKeys(input)(keys)` is an `EffectStream<DeleteKeysResult>`; results in no order
 * @units  holds at most `(concurrency + 1) x 1,000` keys
 * @errors a `CosException` with the source's error or with `InvalidInput` of the input
 * @source https://cloud.tencent.com/document/product/436/8289
 * @example pipe(streamObjects({ bucket, prefix }), R.chain(deleteKeys({ bucket })))
 */
export const deleteKeys =
  (input: DeleteKeysInput) =>
  (keys: AsyncIterable<KeyToDelete> | Iterable<KeyToDelete>): EffectStream<DeleteKeysResult> =>
    pipe(
      validate('deleteKeys', Input)(input),
      E.match(
        (problem): EffectStream<DeleteKeysResult> => failedStream(new CosException(problem)),
        (valid) => deleteKeysWith('deleteKeys', { ...valid, onError: 'continue' })(() => keys)
      )
    )
