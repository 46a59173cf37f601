/** POST Object restore. The state of a restore depends on the clock alone. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import type { Element } from '../../core/element.js'
import { toFields } from '../../core/xml.js'
import { empty } from '../http/response.js'
import type { Handler } from '../http/request.js'
import { baseClass } from './shared/attributes.js'
import { authorizeBucket, isArchive, objectOf, restoreState, versionHeader } from './shared/objects.js'
import { readXmlBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const maxXml = 64 * KiB

// The longest duration that COS's page gives for each tier.
const durations: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ARCHIVE: { Expedited: 5 * minute, Standard: 5 * hour, Bulk: 12 * hour },
  DEEP_ARCHIVE: { Standard: 24 * hour, Bulk: 48 * hour }
}

interface RestoreRequest {
  readonly days: number
  readonly tier: string
}

const readRestoreRequest = (rows: ReadonlyArray<Element>): E.Either<ServiceError, RestoreRequest> => {
  const days = rows.find(({ name }) => name === 'Days')?.text.trim() ?? ''
  const parameters = rows.find(({ name }) => name === 'CASJobParameters')
  const tier = parameters === undefined ? 'Standard' : (toFields(parameters)['Tier'] ?? 'Standard')
  return /^[1-9]\d{0,3}$/.test(days) && typeof tier === 'string'
    ? E.right({ days: Number(days), tier: tier.trim() })
    : fail('MalformedXML', 'Days must be an integer of at least 1.')
}

export const restoreObject: Handler = (context, request) => async () => {
  const rows = await readXmlBody(request, 'RestoreRequest', maxXml)
  const checked = pipe(
    E.Do,
    E.apS('bucket', authorizeBucket(context, request)),
    E.bind('object', ({ bucket }) => objectOf(bucket, request.key, request.query['versionId'])),
    E.chainFirst(({ object }) =>
      isArchive(object.attributes.storageClass) ? E.right(true) : fail('RestoreNonArchiveObject')
    ),
    E.bind('restoring', () => E.chain(readRestoreRequest)(rows)),
    E.bind('duration', ({ object, restoring }) => {
      const known = durations[baseClass(object.attributes.storageClass)]?.[restoring.tier]
      return known === undefined
        ? fail('InvalidArgument', `The storage class has no restore tier ${restoring.tier}.`)
        : E.right(context.settings.restoreTime ?? known)
    })
  )
  if (E.isLeft(checked)) return checked
  const { bucket, object, restoring, duration } = checked.right
  const now = context.settings.now()
  const state = restoreState(object.restore, now)
  if (state === 'Ongoing') return fail('RestoreAlreadyInProgress')
  // Restoring a restored object extends the lifetime of its copy at once.
  const done = state === 'Done' ? now : now + duration
  const restore = { requested: now, done, expires: done + restoring.days * day, tier: restoring.tier }
  await context.store.commit({
    _tag: 'RestoreAsked',
    bucket: bucket.name,
    key: request.key,
    id: object.id,
    restore
  })
  return E.right(empty(state === 'Done' ? 200 : 202, versionHeader(bucket, object.id)))
}
