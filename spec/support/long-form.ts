import fc from 'fast-check'

/** True in `npm run fuzz`. The short form of a spec, in `npm test`, takes samples of the same cases. */
export const isLongForm = fc.readConfigureGlobal().numRuns !== undefined

/** All cases in the long form, and in the short form every nth; the first is the one at `offset`, modulo n. */
export const sampleOf = <A>(cases: ReadonlyArray<A>, nth: number, offset = 0): ReadonlyArray<A> =>
  isLongForm ? cases : cases.filter((_, index) => index % nth === offset % nth)
