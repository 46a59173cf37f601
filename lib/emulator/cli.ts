#!/usr/bin/env node
/** `cospipe-emulator`: the emulator as a command. */
import { setFlagsFromString } from 'node:v8'
import * as E from 'fp-ts/lib/Either.js'
import { readArguments, usage } from './command.js'
import { formatEmulatorError, startEmulator } from './index.js'

// Resident memory is mostly garbage that V8 has not collected yet: by default the space of new objects grows from 1 MiB to
// three times 16, and the heap to several times the live objects. 100,000 keys took 1,471 bytes each so, and 451 with these
// flags. Collections took 15 % of a put's time instead of 8 (Node 20).
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=50')

const fail = (message: string, code: number): void => {
  console.error(`cospipe-emulator: ${message}`)
  process.exitCode = code
}

const main = async (): Promise<void> => {
  const options = readArguments(process.argv.slice(2))
  if (E.isLeft(options)) {
    fail(`${options.left}; see --help`, 2)
    return
  }
  if (options.right === 'help') {
    process.stdout.write(usage)
    return
  }
  const started = await startEmulator(options.right)()
  if (E.isLeft(started)) {
    fail(formatEmulatorError(started.left), started.left._tag === 'InvalidOption' ? 2 : 1)
    return
  }
  const emulator = started.right
  console.log(`cospipe-emulator listens on ${emulator.url}`)
  const stop = (): void => {
    emulator.close().catch((thrown: unknown) => {
      fail(String(thrown), 1)
    })
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

await main()
