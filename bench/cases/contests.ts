/** The cases that compare clients, for the processes of the clients. */
import type { PrepareRounds } from '../support/contest.js'
import { measureDelays } from './event-loop.js'
import { comparisons } from './comparisons.js'

export const contests: Readonly<Record<string, PrepareRounds<unknown>>> = {
  ...Object.fromEntries(Object.entries(comparisons).map(([name, { prepare }]) => [name, prepare])),
  'event-loop': measureDelays
}
