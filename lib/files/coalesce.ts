/** Joins calls of a task that runs once at a time. */

/**
 * Returns a function that runs the task. Calls during a run share the next one. After a failed run, all later calls fail
 * with its error, and the task does not run again.
 *
 * @shape the promise of a call settles when a run that began after the call has settled
 */
export const coalesce = (run: () => Promise<void>): (() => Promise<void>) => {
  let last: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const runNext = (): Promise<void> => {
    next = undefined
    return run()
  }
  return () => {
    next ??= last = last.then(runNext)
    return next
  }
}
