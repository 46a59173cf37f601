/** Symlinks. GET and HEAD Object follow them. Other operations work on the link itself, or refuse it. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { authorizeRead, hideExistence } from '../../http/authorization.js'
import type { RoutedRequest } from '../../http/request.js'
import { checkKey } from '../../http/route.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import type { StoredObject } from '../../store/model.js'
import type { Bucket } from '../../store/state.js'
import { objectOf } from './objects.js'

/**
 * The key that `x-cos-symlink-target` names. The Go SDK percent-encodes the header, the Python and Java SDKs do not. It
 * has one character for each byte.
 */
export const readTarget = (header: string): E.Either<ServiceError, string> => {
  const text = Buffer.from(header, 'latin1').toString()
  const key = pipe(
    E.tryCatch(
      () => decodeURIComponent(text),
      () => undefined
    ),
    E.getOrElse(() => text)
  )
  return key === '' ? fail('InvalidArgument', 'x-cos-symlink-target must be a key.') : checkKey(key)
}

/**
 * The object that a read of `object` returns: the latest version of a link's target, or the object itself. The sender
 * needs the right to read both, as on COS.
 */
export const followSymlink = (
  request: RoutedRequest,
  bucket: Bucket,
  object: StoredObject
): E.Either<ServiceError, StoredObject> => {
  const { symlink } = object
  if (symlink === undefined) return E.right(object)
  return pipe(
    readTarget(symlink),
    E.chain((key) => hideExistence(request, bucket)(objectOf(bucket, key, undefined))),
    E.chainFirst((target) => authorizeRead(request, bucket, target)),
    E.chain((target) =>
      target.symlink === undefined
        ? E.right(target)
        : fail(
            'InvalidRequest',
            'The target of the symlink is a symlink, which the emulator does not follow.'
          )
    )
  )
}

/** COS's documentation names GET and HEAD as the operations that follow a link. */
export const rejectSymlink = ({ symlink }: StoredObject): E.Either<ServiceError, true> =>
  symlink === undefined
    ? E.right(true)
    : fail('NotImplemented', 'The emulator follows a symlink in GET and HEAD Object only.')
