/** Calls of the caller's listeners, whose errors are ignored. */
import { constVoid } from 'fp-ts/lib/function.js'

/** Calls a function of the caller's and ignores its errors, thrown or rejected: they must not end a transfer or the process. */
export const callSafely = (call: () => unknown): void => {
  try {
    const result = call()
    if (result instanceof Promise) result.catch(constVoid)
  } catch {
    // Documented where the function is passed in.
  }
}
