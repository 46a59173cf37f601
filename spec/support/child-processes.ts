/** Transfers in child processes, which a spec can kill at any moment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Emulator } from '../../lib/emulator/index.js'

/** The compiled library. */
export const compiledLibrary = resolve(import.meta.dirname, '../../lib')

/** The programs of child processes, bundled by `test.mjs`: they start in half the time. */
export const bundledPrograms = resolve(import.meta.dirname, '../../bundled')

export type Step =
  | {
      /** A public function that makes an effect or a stream, such as `downloadFile`. */
      readonly call: string
      /** Its input, which must survive JSON. */
      readonly input: unknown
      /** A file that is read as a stream, where the function takes one before the client. */
      readonly source?: string
      /** Calls the function of `encrypted` with an AES key, base64, and these options. */
      readonly encrypted?: { readonly secret: string; readonly format?: string }
    }
  /** A shell command that the child runs. */
  | { readonly run: string }

export interface Child {
  readonly pid: number
  /** Starts the steps. */
  readonly start: () => void
  /** Sends SIGKILL; resolves when the process has ended. */
  readonly kill: () => Promise<void>
  /** The result of each completed step, parsed from JSON. */
  readonly results: Promise<ReadonlyArray<unknown>>
}

export interface ChildOptions {
  /** A command that runs Node, such as a shell that sets limits; Node's command line is appended. */
  readonly through?: ReadonlyArray<string>
  readonly uid?: number
  /** Of the client, in bytes. */
  readonly memoryLimit?: number | undefined
}

/** Starts a child process; resolves when it is ready for `start`. */
export const startChild = async (
  { address, credentials }: Pick<Emulator, 'address' | 'credentials'>,
  steps: ReadonlyArray<Step>,
  { through = [], uid, memoryLimit }: ChildOptions = {}
): Promise<Child> => {
  const job = JSON.stringify({
    address,
    credentials: { secretId: credentials.secretId, secretKey: credentials.secretKey },
    memoryLimit,
    steps
  })
  // Without tap's NODE_OPTIONS: its hooks would handle the signals sent to the child.
  const node = ['env', '-u', 'NODE_OPTIONS', process.execPath]
  const [command, ...args] = [
    ...through,
    ...node,
    join(import.meta.dirname, 'child.mjs'),
    join(bundledPrograms, 'library.js'),
    job
  ]
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid })
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const output: Array<string> = []
  const ready = new Promise<void>((settle) => {
    lines.on('line', (line) => {
      if (line === 'ready') settle()
      else output.push(line)
    })
  })
  await Promise.race([ready, exited.then(() => Promise.reject(new Error('the child did not start')))])
  return {
    pid: child.pid!,
    start: () => {
      child.stdin.on('error', () => undefined).end('\n')
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
    results: Promise.all([exited, once(lines, 'close')]).then(() =>
      output.map((line) => JSON.parse(line) as unknown)
    )
  }
}
