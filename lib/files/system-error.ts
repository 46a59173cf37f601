/** An error with a code, as the system throws it. */
export const systemError = (code: string, words: string): Error =>
  Object.assign(new Error(`${code}: ${words}`), { code })
