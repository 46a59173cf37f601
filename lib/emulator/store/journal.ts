/**
 * The journal: a file of events, one a line. When the store opens, the journal is read, rewritten without events that
 * later ones made obsolete, and then appended to. Lines are written but not synced: they survive a killed process, but
 * not a crash of the machine.
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

// JSON allows U+2028 and U+2029 in strings, and readline ends a line at them.
const write = (event: Event): string =>
  `${JSON.stringify(Event.encode(event)).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)}\n`

/** Reads the events. Only the last line can be torn by a crash, and it was never acknowledged. */
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
  /** Resolves when the event's line is written. Lines are written in the order of the calls. */
  readonly append: (event: Event) => Promise<void>
  readonly close: () => Promise<void>
}

/** Writes a new journal with these events and replaces the old one atomically. */
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

  // Lines that arrive during a write are written together in the next one.
  let pendingLines = ''
  let lastWrite: Promise<void> = Promise.resolve()
  let nextWrite: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    const lines = pendingLines
    pendingLines = ''
    nextWrite = undefined
    await file.appendFile(lines)
  }
  return {
    append: (event) => {
      pendingLines += write(event)
      nextWrite ??= lastWrite = lastWrite.then(flush)
      return nextWrite
    },
    close: async () => {
      await lastWrite
      await file.close()
    }
  }
}
