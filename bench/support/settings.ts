/** The size of a run. `npm run bench -- --short` runs each case once with little work: it finds crashes, not figures. */
export const isShort = process.argv.includes('--short')

/** `long`, or a number for the short form. */
export const scale = (long: number, short: number): number => (isShort ? short : long)

/** Rounds of each contender, after a warm-up round. */
export const rounds = scale(Number(process.env['ROUNDS'] ?? 5), 1)
