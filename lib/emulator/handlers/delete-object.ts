/** DELETE Object, and the deletion that Delete Multiple Objects shares. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { empty } from '../http/response.js'
import type { Handler, EmulatorContext } from '../http/request.js'
import { authorizeBucket, nextId, versionOf } from './shared/objects.js'
import type { ServiceError } from '../http/service-error.js'
import type { Bucket } from '../store/state.js'

export interface DeleteOutcome {
  /** The removed version or the added delete marker; undefined if the bucket was never versioned. */
  readonly id: string | undefined
  /** A delete marker was added or removed. */
  readonly marker: boolean
  /** Resolves when the change would survive a restart. */
  readonly committed: Promise<void>
}

const removeVersion = (
  context: EmulatorContext,
  bucket: Bucket,
  key: string,
  versionId: string
): E.Either<ServiceError, DeleteOutcome> =>
  pipe(
    versionOf(bucket, key, versionId),
    E.mapLeft((error) => (error.code === 'NoSuchKey' ? { ...error, code: 'NoSuchVersion' } : error)),
    E.map(({ id, _tag }) => ({
      id,
      marker: _tag === 'DeleteMarker',
      committed: context.store.commit({ _tag: 'VersionRemoved', bucket: bucket.name, key, id })
    }))
  )

/** Deletes the object or the version. Deleting an absent key succeeds. */
export const deleteVersion = (
  context: EmulatorContext,
  bucket: Bucket,
  key: string,
  versionId: string | undefined
): E.Either<ServiceError, DeleteOutcome> => {
  if (versionId !== undefined && versionId !== '') return removeVersion(context, bucket, key, versionId)
  const { store, settings } = context
  if (bucket.versioning === 'Off') {
    const committed = bucket.objects.get(key)
      ? store.commit({ _tag: 'VersionRemoved', bucket: bucket.name, key, id: 'null' })
      : Promise.resolve()
    return E.right({ id: undefined, marker: false, committed })
  }
  const modified = settings.now()
  const id = nextId(bucket, modified)
  const version = { _tag: 'DeleteMarker', id, modified } as const
  const committed = store.commit({ _tag: 'VersionPut', bucket: bucket.name, key, version })
  return E.right({ id, marker: true, committed })
}

export const deleteObject: Handler = (context, request) => async () => {
  const deleted = pipe(
    authorizeBucket(context, request),
    E.chain((bucket) => deleteVersion(context, bucket, request.key, request.query['versionId']))
  )
  if (E.isLeft(deleted)) return deleted
  const { id, marker, committed } = deleted.right
  await committed
  return E.right(
    empty(204, {
      ...(id === undefined ? {} : { 'x-cos-version-id': id }),
      ...(marker ? { 'x-cos-delete-marker': 'true' } : {})
    })
  )
}
