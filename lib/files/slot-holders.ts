/** The downloads of this process that hold a target, so that the next download can wait for those that were aborted. */

interface Holder {
  readonly signal: AbortSignal
  readonly released: Promise<void>
}

const holders = new Map<string, ReadonlySet<Holder>>()

/** Waits for the holders of a target that are being aborted: they end soon, and their partial file can then be resumed. */
export const waitForAborting = async (target: string): Promise<void> => {
  const aborting = [...(holders.get(target) ?? [])].filter(({ signal }) => signal.aborted)
  await Promise.all(aborting.map(({ released }) => released))
}

/** Registers a holder of a target, and returns the function that removes it. */
export const registerHolder = (target: string, signal: AbortSignal): (() => void) => {
  let settle = (): void => undefined
  const released = new Promise<void>((resolve) => {
    settle = resolve
  })
  const holder: Holder = { signal, released }
  holders.set(target, new Set([...(holders.get(target) ?? []), holder]))
  return () => {
    const others = [...(holders.get(target) ?? [])].filter((other) => other !== holder)
    if (others.length === 0) holders.delete(target)
    else holders.set(target, new Set(others))
    settle()
  }
}
