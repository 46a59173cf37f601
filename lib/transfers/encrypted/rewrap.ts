/** Gives an encrypted object another master key: its data key is wrapped again, and its bytes stay where they are. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, invalidInput, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { encodeMetadata } from '../../core/metadata-text.js'
import { validate } from '../../core/operation.js'
import { missing } from '../../core/problem.js'
import { objectRef, refOf, type ObjectRef } from '../../core/request.js'
import { toEndpoint } from '../../core/address.js'
import type { Client } from '../../client/client.js'
import { send, type CosEffect } from '../../client/send.js'
import type { Envelope } from '../../encryption/envelope.js'
import { isMasterKey, type MasterKey } from '../../encryption/master-key.js'
import { metaPrefix, prefix } from '../../encryption/metadata-names.js'
import { encryptionProblem } from '../../encryption/problem.js'
import { rewrapEnvelope, type NewWrapping } from '../../encryption/rewrap.js'
import { checkName } from '../../encryption/sealed-key.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import { accessControl, type AccessControl } from '../../operations/parameters/access.js'
import type { CopySource } from '../../operations/parameters/copy-source.js'
import {
  withEncryption,
  type ServerSideEncryption,
  type WithEncryption
} from '../../operations/parameters/encryption.js'
import { copyFound, type CopyInput, type CopyResult } from '../copy/copy.js'
import { copyOptions, metadataHeaders } from '../copy/options.js'
import { headOptions } from '../multipart/complete-upload.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { findEnvelope } from './find-envelope.js'
import { checkInput, type Config, type ReadFormat } from './options.js'

// -- input --
export interface RewrapInput
  extends
    ObjectRef,
    AccessControl,
    WithEncryption,
    WithProgress,
    Pick<CopyInput, 'threshold' | 'partSize' | 'concurrency'> {
  /** The new master key. */
  readonly to: MasterKey
  /** Of the bucket. Default: that of the client. Required if the client has a `domain`, which does not tell it. */
  readonly region?: string
}

const Input = In.struct<RewrapInput>('RewrapInput', {
  ...objectRef,
  ...accessControl,
  ...withEncryption,
  ...withProgress,
  ...In.pick('threshold', 'partSize', 'concurrency')(copyOptions),
  to: In.guarded('a key of aesKey, rsaKey or kmsKey', isMasterKey),
  region: toEndpoint.region
})

// -- output --
export interface RewrapResult {
  readonly bucket: string
  readonly key: string
  readonly format: ReadFormat
  /** Of the new master key. */
  readonly keyId: string
  /** Of the master key before, if the object named it. */
  readonly previousKeyId: O.Option<string>
  /** Of the stored object, in bytes. */
  readonly size: number
  /** The copy of the object onto itself; none if it had this master key already, and nothing was changed. */
  readonly copied: O.Option<CopyResult>
}

const action = 'rewrap'

interface RewrapRun extends Transfer<RewrapInput> {
  readonly config: Config
  readonly head: ObjectHead
}

/** Unwraps and wraps the data key. Nothing is sent but to a key service. */
const wrapAgain = (
  { config, context, input, scope }: RewrapRun,
  envelope: Envelope
): TE.TaskEither<CosError, NewWrapping> => {
  const named =
    envelope.cipher === 'sealed' && config.bindsName ? checkName(envelope.header, input) : E.right(undefined)
  return pipe(
    TE.fromEither(named),
    TE.chain(() =>
      rewrapEnvelope(envelope, {
        ...In.pick('keys', 'pkcs1v15')(config),
        to: input.to,
        random: scope.client.random
      })
    ),
    TE.mapLeft(encryptionError(context))
  )
}

// -- the copy --
const sourceOf = (
  { endpoint: { region, endpoint } }: Client,
  { bucket, key, region: given }: RewrapInput
): CopySource => ({
  bucket,
  key,
  ...In.defined(given === undefined ? { region, endpoint } : { region: given })
})

/** COS encrypts a copy only if it is asked for. */
const sseOf = ({ sse }: RewrapInput, head: ObjectHead): ServerSideEncryption | undefined => {
  if (sse !== undefined || O.isNone(head.sse)) return sse
  switch (head.sse.value.type) {
    case 'COS':
      return { type: 'COS' }
    case 'KMS':
      return { type: 'KMS', ...In.defined({ keyId: O.toUndefined(head.sse.value.keyId) }) }
    default:
      return undefined
  }
}

const headersOf = (head: ObjectHead, metadata: Readonly<Record<string, string>>): Record<string, string> => {
  const { [`${metaPrefix}${prefix}matdesc`]: _oldKeyId, ...kept } = metadataHeaders(head)
  return {
    ...kept,
    ...Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [`${metaPrefix}${name}`, encodeMetadata(value)])
    )
  }
}

const copyInputOf = (
  { scope, input, head }: RewrapRun,
  metadata: Readonly<Record<string, string>>
): CopyInput => {
  const { to: _to, region: _region, sse: _sse, headers, ...rest } = input
  return {
    ...rest,
    ...In.defined({
      sse: sseOf(input, head),
      copySourceSse: headOptions(input).sse
    }),
    copySource: sourceOf(scope.client, input),
    copyStatus: 'Replaced',
    storageClass: head.storageClass,
    headers: { ...headersOf(head, metadata), ...headers }
  }
}

const rewrapObject = (run: RewrapRun): TE.TaskEither<CosError, RewrapResult> => {
  const { context, input, head, config, scope } = run
  const object = { context, headers: head.headers, etag: head.etag }
  return pipe(
    findEnvelope(config, { ...refOf(input), ...headOptions(input) }, object)(scope.client),
    TE.bindTo('found'),
    TE.bind('envelope', ({ found }) =>
      TE.fromOption(() =>
        encryptionError(context)(encryptionProblem('NotEncrypted', 'the object has no encryption metadata'))
      )(found.envelope)
    ),
    TE.bind('metadata', ({ envelope }) => wrapAgain(run, envelope)),
    TE.bind('copied', ({ metadata }) =>
      O.isNone(metadata)
        ? TE.right(O.none)
        : pipe(
            () => copyFound({ ...run, input: copyInputOf(run, metadata.value) }, head, { requireTags: true }),
            TE.map(O.some)
          )
    ),
    TE.map(({ found, envelope, copied }) => ({
      bucket: input.bucket,
      key: input.key,
      format: found.format,
      keyId: input.to.id,
      previousKeyId: O.chain((each: Envelope) => each.keyId)(O.some(envelope)),
      size: head.size,
      copied
    }))
  )
}

const hasRegion = ({ endpoint }: Client, { region }: RewrapInput): boolean =>
  (region ?? endpoint.region ?? endpoint.endpoint) !== undefined

const runRewrap =
  (config: Config) =>
  async (transfer: Transfer<RewrapInput>): Promise<E.Either<CosError, RewrapResult>> => {
    const { scope, context, input } = transfer
    if (!hasRegion(scope.client, input))
      return E.left(invalidInput(context, missing('region', 'is required: the client has a domain')))
    const head = await send(headObject({ ...refOf(input), ...headOptions(input) }))(scope.client)()
    return E.isLeft(head) ? head : rewrapObject({ ...transfer, config, head: head.right })()
  }

/**
 * Gives an object another master key, without moving its bytes.
 *
 * The data key is decrypted with a key of the keyring, encrypted with `to`, and stored in the metadata by a copy of the
 * object onto itself, on condition of its ETag. An object that has this master key already is not changed, so that an
 * interrupted rotation can be run again. Metadata, `Content-Type` and the like, tags, storage class and the encryption by
 * COS are kept. The ACL is not: give `acl`. A bucket with versions keeps the versions before, with their old wrapping.
 *
 * It is rotation and not revocation: anyone with the old master key and an old copy of the metadata still has the data
 * key. The header at the start of a sealed object also keeps the old wrapping.
 *
 * @shape  `RewrapInput -> CosEffect<RewrapResult>`
 * @units  a HEAD and a copy; above 5 GiB the copy may be in parts, as by `copy`
 * @errors `EncryptionError` as of a read; with reason `Unsupported` for formats of Go and Java; those of `copy`;
 *         `ObjectChanged` if the object is replaced meanwhile
 * @example vault.rewrap({ bucket, key: 'a', to: key2027 })
 */
export const rewrap =
  (config: E.Either<CosError, Config>) =>
  (input: RewrapInput): CosEffect<RewrapResult> =>
  (client) =>
    pipe(
      TE.fromEither(config),
      TE.chainFirstEitherK((): E.Either<CosError, void> => checkInput(action, input)),
      TE.chain((valid) => runTransfer(action, validate(action, Input), runRewrap(valid))(input)(client))
    )
