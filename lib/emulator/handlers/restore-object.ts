/** POST Object restore. How far a restore has come is a matter of the clock alone. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { KiB } from '../../core/limits.js'
import { type Element, toFields } from '../../core/xml.js'
import { authorize } from '../http/authorization.js'
import { empty } from '../http/response.js'
import type { Handler } from '../http/request.js'
import { bucketOf, isArchive, objectOf, restoreState, versionHeader } from './shared/objects.js'
import { readXmlBody } from '../http/read-body.js'
import { type ServiceError, fail } from '../http/service-error.js'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const maxXml = 64 * KiB

// The longest that COS's page names for each.
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
    : fail('MalformedXML', 'Days should be a whole number of at least 1.')
}

export const restoreObject: Handler = (house, call) => async () => {
  const rows = await readXmlBody(call, 'RestoreRequest', maxXml)
  const asked = pipe(
    E.Do,
    E.apS('bucket', bucketOf(house, call)),
    E.chainFirst(({ bucket }) => authorize(call, bucket)),
    E.bind('object', ({ bucket }) => objectOf(bucket, call.key, call.query['versionId'])),
    E.chainFirst(({ object }) =>
      isArchive(object.attributes.storageClass) ? E.right(true) : fail('RestoreNonArchiveObject')
    ),
    E.bind('request', () => E.chain(readRestoreRequest)(rows)),
    E.bind('duration', ({ object, request }) => {
      const known = durations[object.attributes.storageClass]?.[request.tier]
      return known === undefined
        ? fail('InvalidArgument', `There is no restore of this class by ${request.tier}.`)
        : E.right(house.settings.restoreTime ?? known)
    })
  )
  if (E.isLeft(asked)) return asked
  const { bucket, object, request, duration } = asked.right
  const now = house.settings.now()
  const state = restoreState(object.restore, now)
  if (state === 'Ongoing') return fail('RestoreAlreadyInProgress')
  // Of a restored object the copy's life is prolonged; there is nothing to wait for.
  const done = state === 'Done' ? now : now + duration
  const restore = { requested: now, done, expires: done + request.days * day, tier: request.tier }
  await house.store.commit({
    _tag: 'RestoreAsked',
    bucket: bucket.name,
    key: call.key,
    id: object.id,
    restore
  })
  return E.right(empty(state === 'Done' ? 200 : 202, versionHeader(bucket, object.id)))
}
