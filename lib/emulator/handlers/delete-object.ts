/** DELETE Object, and what it shares with Delete Multiple Objects. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { authorize } from '../http/authorization.js'
import { empty } from '../http/response.js'
import type { Handler, EmulatorContext } from '../http/request.js'
import { bucketOf, nextId, versionOf } from './shared/objects.js'
import type { ServiceError } from '../http/service-error.js'
import type { Bucket } from '../store/state.js'

export interface DeleteOutcome {
  /** The version that was removed, or the delete marker that was added; absent where there are no versions. */
  readonly id: string | undefined
  /** A marker was added, or the removed version was one. */
  readonly marker: boolean
  /** Kept once it would survive a restart. */
  readonly lasting: Promise<void>
}

const removeVersion = (
  house: EmulatorContext,
  bucket: Bucket,
  key: string,
  versionId: string
): E.Either<ServiceError, DeleteOutcome> =>
  pipe(
    versionOf(bucket, key, versionId),
    E.mapLeft((refusal) => (refusal.code === 'NoSuchKey' ? { ...refusal, code: 'NoSuchVersion' } : refusal)),
    E.map(({ id, _tag }) => ({
      id,
      marker: _tag === 'DeleteMarker',
      lasting: house.store.commit({ _tag: 'VersionRemoved', bucket: bucket.name, key, id })
    }))
  )

/** Deletes at once. A key that is not there is deleted as well as any. */
export const deleteLatest = (
  house: EmulatorContext,
  bucket: Bucket,
  key: string,
  versionId: string | undefined
): E.Either<ServiceError, DeleteOutcome> => {
  if (versionId !== undefined && versionId !== '') return removeVersion(house, bucket, key, versionId)
  const { store, settings } = house
  if (bucket.versioning === 'Off') {
    const lasting = bucket.objects.get(key)
      ? store.commit({ _tag: 'VersionRemoved', bucket: bucket.name, key, id: 'null' })
      : Promise.resolve()
    return E.right({ id: undefined, marker: false, lasting })
  }
  const modified = settings.now()
  const id = nextId(bucket, modified)
  const version = { _tag: 'DeleteMarker', id, modified } as const
  const lasting = store.commit({ _tag: 'VersionPut', bucket: bucket.name, key, version })
  return E.right({ id, marker: true, lasting })
}

export const deleteObject: Handler = (house, call) => async () => {
  const deleted = pipe(
    bucketOf(house, call),
    E.chainFirst((bucket) => authorize(call, bucket)),
    E.chain((bucket) => deleteLatest(house, bucket, call.key, call.query['versionId']))
  )
  if (E.isLeft(deleted)) return deleted
  const { id, marker, lasting } = deleted.right
  await lasting
  return E.right(
    empty(204, {
      ...(id === undefined ? {} : { 'x-cos-version-id': id }),
      ...(marker ? { 'x-cos-delete-marker': 'true' } : {})
    })
  )
}
