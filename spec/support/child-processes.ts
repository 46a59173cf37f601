/** Transfers in processes of their own, which a spec can kill at any moment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Emulator } from '../../lib/emulator/index.js'

/** The compiled library. A child that compiled it for itself would take seconds to start. */
export const compiledLibrary = resolve(import.meta.dirname, '../../lib')

export type Step =
  | {
      /** A module of the library, such as `transfers/download/download-file.js`, and a function in it that makes an effect or a stream. */
      readonly module: string
      readonly call: string
      /** Its input, which must survive JSON. */
      readonly input: unknown
      /** A file that is read as a stream, where the function takes one before the client. */
      readonly source?: string
    }
  /** A command for the shell, where the child is. */
  | { readonly run: string }

export interface Child {
  readonly pid: number
  /** Lets it begin. */
  readonly start: () => void
  /** SIGKILL; settles when it is gone. */
  readonly kill: () => Promise<void>
  /** What came of each step, as JSON has it, up to where it was killed. */
  readonly results: Promise<ReadonlyArray<unknown>>
}

export interface ChildOptions {
  /** What runs before Node, such as a shell that sets limits: it is given Node's command line. */
  readonly through?: ReadonlyArray<string>
  readonly uid?: number
}

/** Starts a child that is ready to begin. */
export const startChild = async (
  lib: string,
  { address, credentials }: Pick<Emulator, 'address' | 'credentials'>,
  steps: ReadonlyArray<Step>,
  { through = [], uid }: ChildOptions = {}
): Promise<Child> => {
  const told = JSON.stringify({
    address,
    credentials: { secretId: credentials.secretId, secretKey: credentials.secretKey },
    steps
  })
  // Without the options that tap has for every process: its hooks end one that the system sends a signal to.
  const node = ['env', '-u', 'NODE_OPTIONS', process.execPath]
  const [command, ...args] = [...through, ...node, join(import.meta.dirname, 'child.mjs'), lib, told]
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid })
  })
  const gone = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const said: Array<string> = []
  const ready = new Promise<void>((settle) => {
    lines.on('line', (line) => {
      if (line === 'ready') settle()
      else said.push(line)
    })
  })
  await Promise.race([ready, gone.then(() => Promise.reject(new Error('the child did not start')))])
  return {
    pid: child.pid!,
    start: () => {
      child.stdin.on('error', () => undefined).end('\n')
    },
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
    results: Promise.all([gone, once(lines, 'close')]).then(() =>
      said.map((line) => JSON.parse(line) as unknown)
    )
  }
}
