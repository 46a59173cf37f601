/**
 * The store's memory on disk: a file of events, one a line. It is read when the store opens, then rewritten without
 * what has been overtaken, and appended to. Lines are handed to the system, not synced: they survive a killed process,
 * not a failing machine.
 */
import { createReadStream } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as E from 'fp-ts/lib/Either.js'
import { decodeWith } from '../../core/wire.js'
import { codeOf } from '../../core/error.js'
import { KiB } from '../../core/limits.js'
import { Event } from './model.js'

const decode = decodeWith(Event)

const parse = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

// JSON lets U+2028 and U+2029 stand in a text, and readline ends a line at them.
const write = (event: Event): string =>
  `${JSON.stringify(Event.encode(event)).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)}\n`

/** The events of a journal. A line that a crash cut short is the last one, and was never acknowledged. */
export async function* readJournal(dir: string): AsyncGenerator<Event, void, undefined> {
  const input = createReadStream(join(dir, 'journal'))
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const event = decode(parse(line))
      if (E.isLeft(event)) return
      yield event.right
    }
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown
  }
}

export interface Journal {
  /** Kept once the event's line is written; lines are written in the order of the calls. */
  readonly append: (event: Event) => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts a new journal that begins with the given events, and puts it in the place of the old one. */
export const startJournal = async (dir: string, events: Iterable<Event>): Promise<Journal> => {
  const path = join(dir, 'journal')
  const file = await open(`${path}.new`, 'w')
  let batch = ''
  for (const event of events) {
    batch += write(event)
    if (batch.length > 64 * KiB) {
      await file.appendFile(batch)
      batch = ''
    }
  }
  await file.appendFile(batch)
  await rename(`${path}.new`, path)

  // Lines that come while one is being written go out together, in one write.
  let waiting = ''
  let turn: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    const lines = waiting
    waiting = ''
    next = undefined
    await file.appendFile(lines)
  }
  return {
    append: (event) => {
      waiting += write(event)
      next ??= turn = turn.then(flush)
      return next
    },
    close: async () => {
      await turn
      await file.close()
    }
  }
}
