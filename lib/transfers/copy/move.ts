/** Moves an object: copies it, verifies the copy, and only then deletes the source. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { isSameEtag, isWeakEtag, strongEtag } from '../../core/etag.js'
import { hasStatus, invalidInput, type Context, type CosError, type InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { refOf } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { send, type CosEffect } from '../../client/send.js'
import { runTransfer } from '../shared/run-transfer.js'
import { deleteObject, type DeleteObjectResult } from '../../operations/delete-object.js'
import { headObject } from '../../operations/head-object.js'
import { copyWithin, type CopyResult } from './copy.js'
import { atSource, isSameKey, validateCopy, copyHeadInput, type CopyInput } from './options.js'
import { headOptions } from '../multipart/complete-upload.js'

export type MoveInput = CopyInput

export interface MoveResult extends CopyResult {
  /** Result of deleting the source; none if it was already gone. */
  readonly deleted: O.Option<DeleteObjectResult>
}

const action = 'move'

/** Refuses also another version of the same object: if the bucket has no versions, the deletion would delete the copy. */
const refuseItself = (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
  isSameKey(input.copySource, input)
    ? E.left(
        invalidInput(
          contextOf(action, input),
          conflict('key', 'must not be the key of copySource (the source is deleted after the copy)')
        )
      )
    : E.right(input)

const requireEqual = (
  context: Context,
  check: 'size' | 'etag',
  expected: string | number,
  got: string | number
): E.Either<CosError, true> =>
  expected === got
    ? E.right(true)
    : E.left({
        _tag: 'IntegrityError',
        context,
        part: O.none,
        check,
        expected: String(expected),
        got: String(got)
      })

/** Fails if the copy may differ from the source. Without both checksums, the copy must have the source's size and ETag. */
const verifyCopy =
  (client: Client, context: Context, input: CopyInput) =>
  (copied: CopyResult): TE.TaskEither<CosError, CopyResult> =>
    copied.integrity._tag === 'Verified'
      ? TE.right(copied)
      : pipe(
          send(headObject({ ...refOf(input), ...headOptions(input) }))(client),
          TE.chainEitherK((found) =>
            pipe(
              requireEqual(context, 'size', copied.source.size, found.size),
              E.chain(() =>
                requireEqual(context, 'etag', strongEtag(copied.source.etag), strongEtag(found.etag))
              ),
              E.map(() => copied)
            )
          )
        )

/** Checked directly before the deletion, because COS deletes without conditions. */
const sourceStillExists = (
  source: Client,
  input: CopyInput,
  { source: { etag } }: CopyResult
): TE.TaskEither<CosError, boolean> =>
  pipe(
    send(
      headObject({
        ...In.pick('bucket', 'key', 'sse', 'versionId', 'allowPathLikeKey')(copyHeadInput(input)),
        ...(isWeakEtag(etag) ? {} : { ifMatch: etag })
      })
    )(source),
    TE.chainEitherK((found) =>
      isSameEtag(found.etag, etag)
        ? E.right(true)
        : E.left<CosError>({
            _tag: 'ObjectChanged',
            context: contextOf('move', input),
            expected: etag,
            got: O.some(found.etag)
          })
    ),
    TE.orElse((error) => {
      if (hasStatus(404)(error)) return TE.right(false)
      return TE.left<CosError, boolean>(
        hasStatus(412)(error)
          ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
          : error
      )
    })
  )

/** Deletes the named version; without one, a plain DELETE, which adds a delete marker if the bucket has versions. */
const deleteSource = (
  source: Client,
  input: CopyInput
): TE.TaskEither<CosError, O.Option<DeleteObjectResult>> =>
  pipe(
    send(deleteObject(In.pick('bucket', 'key', 'versionId', 'allowPathLikeKey')(copyHeadInput(input))))(
      source
    ),
    TE.map(O.some)
  )

/**
 * Moves an object: copies it as `copy` does, and deletes the source once the copy is verified.
 *
 * A copy is verified if its CRC64 equals the source's. If COS has no checksum of one of them, size and ETag must be equal.
 * If they differ, as they may after a multipart upload or with KMS, the source stays and the move fails with an
 * `IntegrityError`. Directly before the deletion the source is checked again, and stays if it was overwritten. COS has no
 * conditional DELETE: a write in the milliseconds between check and deletion is lost.
 *
 * A move in parts reads the source's tags first. Without the permission `cos:GetObjectTagging` it fails before anything
 * is copied; set `tagging`, or `taggingDirective: 'Replaced'`, to move the object without its tags.
 *
 * An object that `encrypted` sealed is bound to its name: after the move it is read with `bindsName: false`.
 *
 * With `copySource.versionId` that version is removed permanently. Without it, the source is deleted by a plain DELETE: if
 * its bucket has versions, a delete marker is added and the versions stay.
 *
 * If a step after the copy fails, the copy stays. The move can be run again.
 *
 * @shape  `MoveInput -> CosEffect<MoveResult>`
 * @errors those of `copy`; `ServiceError` 403 of `GetObjectTagging`; `IntegrityError` of a copy that cannot be verified;
 *         `ObjectChanged` of a source that changed meanwhile; those of `deleteObject`; `InvalidInput` if source and
 *         destination are one object
 * @source https://cloud.tencent.com/document/product/436/10881, https://cloud.tencent.com/document/product/436/7743
 * @example move({ bucket, key: 'done/a', copySource: { bucket, region: 'ap-guangzhou', key: 'todo/a' } })
 */
export const move: (input: MoveInput) => CosEffect<MoveResult> = runTransfer(
  action,
  validateCopy(action, refuseItself),
  (transfer) => {
    const { scope, context, input } = transfer
    const source = atSource(scope.client, input.copySource)
    return pipe(
      () => copyWithin(transfer, { requireTags: true }),
      TE.chain(verifyCopy(scope.client, context, input)),
      TE.bindTo('copied'),
      TE.bind('exists', ({ copied }) => sourceStillExists(source, input, copied)),
      TE.bind('deleted', ({ exists }) => (exists ? deleteSource(source, input) : TE.right(O.none))),
      TE.map(({ copied, deleted }) => ({ ...copied, deleted }))
    )()
  }
)
