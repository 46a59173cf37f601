import fc from 'fast-check'

/** True in `npm run fuzz`. The short form of a spec, in `npm test`, takes samples of the same cases. */
export const isLongForm = fc.readConfigureGlobal().numRuns !== undefined

/** All cases in the long form, and in the short form every nth from the first on. */
export const sampleOf = <A>(cases: ReadonlyArray<A>, nth: number): ReadonlyArray<A> =>
  isLongForm ? cases : cases.filter((_, index) => index % nth === 0)
