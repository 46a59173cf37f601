/** Timers in order of their time: a binary heap. A stopped timer stays in it until it is the first. */
import { constVoid } from 'fp-ts/lib/function.js'

interface Timer {
  /** In milliseconds. */
  readonly at: number
  readonly then: () => void
  readonly keepsAlive: boolean
}

export interface QueuedTimer extends Timer {
  readonly order: number
  /** Does nothing if the timer is stopped: a timeout that is far away must not keep all objects of a request that has ended. */
  then: () => void
  isStopped: boolean
}

export interface TimerQueue {
  readonly start: (timer: Timer) => QueuedTimer
  readonly stop: (timer: QueuedTimer) => void
  /** The earliest timer; of those of one instant, the one that was started first. */
  readonly first: () => QueuedTimer | undefined
  /** The timers that were not stopped. */
  readonly count: () => { readonly all: number; readonly keepingAlive: number }
}

const isEarlier = (a: QueuedTimer, b: QueuedTimer): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order)

export const createTimerQueue = (): TimerQueue => {
  const heap: Array<QueuedTimer> = []
  let order = 0
  let all = 0
  let keepingAlive = 0

  const rise = (timer: QueuedTimer): void => {
    let place = heap.length
    heap.push(timer)
    while (place > 0) {
      const above = (place - 1) >>> 1
      const parent = heap[above]
      if (parent === undefined || !isEarlier(timer, parent)) break
      heap[place] = parent
      place = above
    }
    heap[place] = timer
  }
  const removeFirst = (): void => {
    const timer = heap.pop()
    if (timer === undefined || heap.length === 0) return
    let place = 0
    for (;;) {
      const left = heap[2 * place + 1]
      const right = heap[2 * place + 2]
      if (left === undefined) break
      const isRight = right !== undefined && isEarlier(right, left)
      const child = isRight ? right : left
      if (!isEarlier(child, timer)) break
      heap[place] = child
      place = 2 * place + (isRight ? 2 : 1)
    }
    heap[place] = timer
  }

  return {
    start: ({ at, then, keepsAlive }) => {
      // Not `{ ...timer, order }`: properties behind a spread took 4 % of the time of a test (Node 20).
      const queued = { at, then, keepsAlive, order, isStopped: false }
      order += 1
      all += 1
      if (keepsAlive) keepingAlive += 1
      rise(queued)
      return queued
    },
    stop: (timer) => {
      if (timer.isStopped) return
      timer.isStopped = true
      timer.then = constVoid
      all -= 1
      if (timer.keepsAlive) keepingAlive -= 1
    },
    first: () => {
      while (heap[0]?.isStopped === true) removeFirst()
      return heap[0]
    },
    count: () => ({ all, keepingAlive })
  }
}
