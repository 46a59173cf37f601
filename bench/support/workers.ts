/** Runs numbered jobs, `n` at a time. */
export const workers = async (
  count: number,
  n: number,
  work: (at: number) => Promise<unknown>
): Promise<void> => {
  let next = 0
  await Promise.all(
    Array.from({ length: n }, async () => {
      while (next < count) {
        const at = next
        next += 1
        await work(at)
      }
    })
  )
}
