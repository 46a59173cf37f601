/** Any number of keys deleted, a thousand in a request, and what became of each. */
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
  type NotDeleted,
  type ObjectToDelete
} from '../../operations/delete-objects.js'
import { VersionId } from '../../operations/parameters/versions.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { runEach, type OnItemError } from '../shared/run-each.js'

export interface DeleteKeysInput extends BucketRef {
  /** Requests in flight; 4 unless said. */
  readonly concurrency?: number
  /** COS is asked to name failures alone, which is less to read; results then know of no delete markers. */
  readonly quiet?: boolean
}

/** Fields for a codec. */
export const deleteKeysOptions: In.FieldsOf<DeleteKeysInput> = {
  ...bucketRef,
  concurrency: In.optional(In.integer(1, 1000)),
  quiet: In.optional(In.boolean)
}

const Input = In.struct<DeleteKeysInput>('DeletingInput', deleteKeysOptions)

/**
 * A key as a listing has it, or such an entry: nothing of it is dropped, a slash that it begins with least of all. With
 * a `versionId`, unless that is empty, the version is removed for good.
 */
export type KeyToDelete = string | { readonly key: string; readonly versionId?: string }

interface DeleteRequest {
  /** As it was given. */
  readonly key: string
  readonly versionId: O.Option<string>
}

export type DeleteKeysResult =
  | (DeleteRequest & {
      readonly _tag: 'Deleted'
      /** A delete marker was made, or the version that was removed was one. */
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
const mostKeys = 1000
// In bytes of XML. COS takes about 1 MB, and a thousand keys with ampersands can be more.
const mostXml = 900_000

/**
 * Whether the key can be one of many. A slash that it begins with may be dropped on the other side, and a carriage
 * return comes back as a line feed: of such a key a batch's answer would say nothing.
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
  | { readonly _tag: 'Many'; readonly asked: ReadonlyArray<DeleteRequest> }
  | { readonly _tag: 'One'; readonly asked: DeleteRequest }

/** What came before a source failed is a batch too. */
async function* inBatches(
  items: AsyncIterable<KeyToDelete> | Iterable<KeyToDelete>
): AsyncGenerator<Batch, void, undefined> {
  let batch: Array<DeleteRequest> = []
  let size = 0
  let failure: O.Option<unknown> = O.none
  try {
    for await (const item of items) {
      const asked = deleteRequestOf(item)
      if (!fitsBatch(asked)) {
        yield { _tag: 'One', asked }
        continue
      }
      const more = xmlSize(asked)
      if (batch.length === mostKeys || size + more > mostXml) {
        yield { _tag: 'Many', asked: batch }
        batch = []
        size = 0
      }
      batch.push(asked)
      size += more
    }
  } catch (thrown) {
    failure = O.some(thrown)
  }
  if (batch.length > 0) yield { _tag: 'Many', asked: batch }
  if (O.isSome(failure)) throw failure.value
}

// -- requests --
const failed = ({ key, versionId }: DeleteRequest, error: CosError): DeleteKeysResult => ({
  _tag: 'Failed',
  key,
  versionId,
  error
})

const deleteOne = async (client: Client, ref: BucketRef, asked: DeleteRequest): Promise<DeleteKeysResult> => {
  const { key, versionId } = asked
  const answer = await send(deleteObject({ ...ref, ...objectOf(asked), key: toInputKey(key) }))(client)()
  if (E.isRight(answer)) {
    const { deleteMarker, versionId: made } = answer.right
    const deleteMarkerVersionId = deleteMarker && O.isNone(versionId) ? made : O.none
    return { _tag: 'Deleted', key, versionId, deleteMarker, deleteMarkerVersionId }
  }
  return failed(asked, answer.left)
}

const idOf = (key: string, versionId: O.Option<string>): string =>
  `${O.getOrElse(() => '')(versionId)}\0${key}`

/** What a batch's answer says of one key is no less than a refusal. */
const errorOf = (
  { bucket }: BucketRef,
  { requestId, headers: raw }: DeleteObjectsResult,
  { key, code, message }: NotDeleted
): CosError => ({
  _tag: 'ServiceError',
  context: { operation: 'DeleteObjects', bucket, key: O.some(key), attempts: 1 },
  status: 200,
  code,
  message,
  resource: key,
  requestId,
  traceId: '',
  headers: raw
})

/** Of a key that the answer says nothing of, or that may fare better later, a request of its own must tell. */
const settle = (
  { quiet = false, ...ref }: DeleteKeysInput,
  answer: DeleteObjectsResult,
  asked: ReadonlyArray<DeleteRequest>
): ReadonlyArray<O.Option<DeleteKeysResult>> => {
  const said = new Map<string, DeleteResult>(answer.results.map((one) => [idOf(one.key, one.versionId), one]))
  const known = new Set(asked.map(({ key, versionId }) => idOf(key, versionId)))
  const silent = quiet && answer.results.every((one) => known.has(idOf(one.key, one.versionId)))
  return asked.map((one): O.Option<DeleteKeysResult> => {
    const result = said.get(idOf(one.key, one.versionId))
    if (result?._tag === 'Error') {
      const error = errorOf(ref, answer, result)
      return isTransient(error) ? O.none : O.some(failed(one, error))
    }
    if (result === undefined && !silent) return O.none
    return O.some({
      _tag: 'Deleted',
      ...one,
      deleteMarker: result?.deleteMarker ?? false,
      deleteMarkerVersionId: result?.deleteMarkerVersionId ?? O.none
    })
  })
}

const deleteMany = async (
  client: Client,
  input: DeleteKeysInput,
  asked: ReadonlyArray<DeleteRequest>
): Promise<ReadonlyArray<DeleteKeysResult>> => {
  const { concurrency: _concurrency, quiet = false, ...ref } = input
  const answer = await send(deleteObjects({ ...ref, quiet, objects: asked.map(objectOf) }))(client)()
  if (E.isLeft(answer)) return asked.map((one) => failed(one, answer.left))
  const results: Array<DeleteKeysResult> = []
  for (const [at, result] of settle({ ...ref, quiet }, answer.right, asked).entries()) {
    const one = asked[at]
    if (O.isSome(result)) results.push(result.value)
    else if (one !== undefined) results.push(await deleteOne(client, ref, one))
  }
  return results
}

export interface DeleteKeysWith extends DeleteKeysInput {
  readonly onError: OnItemError
}

/** As `deleting`, judged already; with the policy `stop` nothing is begun after the first failure. */
export const deleteKeysWith =
  (action: string, { onError: policy, ...input }: DeleteKeysWith) =>
  (
    items: (client: Client) => AsyncIterable<KeyToDelete> | Iterable<KeyToDelete>
  ): EffectStream<DeleteKeysResult> => {
    const { concurrency, quiet: _quiet, ...ref } = input
    return runEach<Batch, DeleteKeysResult>(contextOf(action, input), {
      concurrency: concurrency ?? 4,
      onError: policy,
      items: (client) => inBatches(items(client)),
      work: async (batch, client) =>
        batch._tag === 'One'
          ? [await deleteOne(client, ref, batch.asked)]
          : deleteMany(client, input, batch.asked),
      failureOf: (result) => (result._tag === 'Failed' ? O.some(result.error) : O.none)
    })
  }

/**
 * Deletes any number of objects: a thousand in a request, several requests at once. Keys that XML cannot carry, and those
 * that begin with a slash, are deleted one by one.
 *
 * One result for each key, failures among them: what COS says of a key, or, where a request failed for good, its error
 * for every key of it. Objects that never were are deleted as well. Where the source of the keys fails, those it gave
 * before are deleted and told, and then its failure is thrown.
 *
 * @shape  `deleting(input)(keys)` is a `Streaming<DeletingResult>`; results in no order
 * @units  holds at most `(concurrency + 1) x 1,000` keys
 * @errors `CosException` of the source's failure, and of `InvalidInput` of the input itself
 * @source https://cloud.tencent.com/document/product/436/8289
 * @example pipe(streamObjects({ bucket, prefix }), R.map(keeping(isOld)), R.chain(deleting({ bucket })))
 */
export const deleteKeys =
  (input: DeleteKeysInput) =>
  (keys: AsyncIterable<KeyToDelete> | Iterable<KeyToDelete>): EffectStream<DeleteKeysResult> =>
    pipe(
      validate('deleting', Input)(input),
      E.match(
        (problem): EffectStream<DeleteKeysResult> => failedStream(new CosException(problem)),
        (valid) => deleteKeysWith('deleting', { ...valid, onError: 'continue' })(() => keys)
      )
    )
