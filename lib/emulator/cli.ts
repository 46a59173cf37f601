#!/usr/bin/env node
/** `cospipe-emulator`: the emulator as a command. */
import * as E from 'fp-ts/lib/Either.js'
import { readArguments, usage } from './command.js'
import { formatEmulatorError, startEmulator } from './index.js'

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
