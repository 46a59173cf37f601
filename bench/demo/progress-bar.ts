/** Shows progress: a bar on a terminal, otherwise one line a second. */
import { SingleBar } from 'cli-progress'
import * as E from 'fp-ts/lib/Either.js'
import type { ReaderTaskEither } from 'fp-ts/lib/ReaderTaskEither.js'
import { createProgress, type Progress, type ProgressSnapshot } from '../../lib/index.js'
import { formatBytes } from './report.js'

export interface Observed<A> {
  readonly value: A
  readonly seconds: number
  /** Parts or ranges transferred. */
  readonly parts: number
}

interface Screen {
  /** In milliseconds. */
  readonly every: number
  readonly show: (fraction: number, progress: ProgressSnapshot) => void
  readonly close: () => void
}

const wordsOf = ({ transferred, rate, parts }: ProgressSnapshot): string =>
  `${formatBytes(transferred)}, ${formatBytes(rate)}/s, parts in flight: ${String(parts.inFlight)}`

const bar = (label: string): Screen => {
  const single = new SingleBar({ format: `${label} [{bar}] {words}`, barsize: 30, hideCursor: true })
  single.start(1, 0, { words: '' })
  return {
    every: 100,
    show: (fraction, progress) => {
      single.update(fraction, { words: wordsOf(progress) })
    },
    close: () => {
      single.stop()
    }
  }
}

const lines = (label: string): Screen => ({
  every: 1000,
  show: (fraction, progress) => {
    console.log(`${label} ${(fraction * 100).toFixed(0)} %: ${wordsOf(progress)}`)
  },
  close: () => undefined
})

/**
 * Shows the progress of transfers, and returns how long they took.
 *
 * @param fraction the completed share, from 0 to 1
 */
export const withProgressBar =
  (label: string, fraction: () => number) =>
  <R, L, A>(
    transfers: (progress: Progress) => ReaderTaskEither<R, L, A>
  ): ReaderTaskEither<R, L, Observed<A>> =>
  (env) =>
  async () => {
    const progress = createProgress()
    const screen = process.stdout.isTTY ? bar(label) : lines(label)
    const show = (): void => {
      screen.show(fraction(), progress.read())
    }
    const timer = setInterval(show, screen.every)
    const began = performance.now()
    try {
      const result = await transfers(progress)(env)()
      const seconds = (performance.now() - began) / 1000
      return E.map((value: A) => ({ value, seconds, parts: progress.read().parts.done }))(result)
    } finally {
      clearInterval(timer)
      if (process.stdout.isTTY) show()
      screen.close()
    }
  }
