import fc from 'fast-check'

/** True in `npm run fuzz`. The short form of a spec, in `npm test`, takes samples of the same cases. */
export const isLongForm = fc.readConfigureGlobal().numRuns !== undefined
