/** CPU time. A clock would also measure the load of the machine. */

/** CPU time of this process so far, in milliseconds. */
export const processorTime = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
