/** What a computation costs. A clock would tell as well how many others are at work on the machine. */

/** Milliseconds that the processor has spent on this process so far. */
export const processorTime = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
