/** The target: the bucket that the environment names, or an emulator on this machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { exampleBucket, exampleCredentials } from '../../lib/emulator/index.js'
import { clientFromEnvironment, createClient, type Client } from '../../lib/index.js'
import { unable, type Problem, type Unable } from './errors.js'

export interface Place {
  readonly client: Client
  readonly bucket: string
  /** For the output. */
  readonly words: string
}

type Environment = Readonly<Record<string, string | undefined>>

// -- a bucket --
const ownBucket = (bucket: string, environment: Environment): E.Either<Problem, Place> =>
  pipe(
    clientFromEnvironment(
      {
        ...(environment['COS_ADDRESS'] ? { address: environment['COS_ADDRESS'] } : {}),
        ...(environment['COS_SCHEME'] === 'http' ? { scheme: 'http' } : {})
      },
      environment
    ),
    E.map((client) => ({ client, bucket, words: `${bucket} in ${String(client.endpoint.region)}` }))
  )

// -- the emulator --
const command = fileURLToPath(new URL('../../lib/emulator/cli.js', import.meta.url))

/** Runs in a separate process, so that the reported memory is the client's. */
const startCommand = (): TE.TaskEither<Unable, string> =>
  TE.tryCatch(
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'cospipe-demo-'))
      const emulator = spawn(process.execPath, [command, '--dir', dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
        // Ctrl-C must not reach the emulator, which the clean-up needs.
        detached: true,
        windowsHide: true
      })
      process.on('exit', () => {
        emulator.kill('SIGKILL')
        rmSync(dir, { recursive: true, force: true, maxRetries: 9, retryDelay: 20 })
      })
      const [line] = await Promise.race([
        once(createInterface(emulator.stdout), 'line'),
        once(emulator, 'exit').then(() => [])
      ])
      const [, address] = /http:\/\/(\S+)/.exec(String(line)) ?? []
      if (address === undefined) throw new Error('the emulator did not start')
      // The emulator ends with this process and does not keep it running.
      emulator.stdout.destroy()
      emulator.unref()
      return address
    },
    (thrown) => unable(String(thrown))
  )

const emulatorPlace = (address: string): E.Either<Problem, Place> =>
  pipe(
    createClient({ region: 'ap-guangzhou', scheme: 'http', address, credentials: exampleCredentials }),
    E.map((client) => ({
      client,
      bucket: exampleBucket,
      words: `an emulator of COS on this machine, http://${address}`
    }))
  )

export const readPlace = (environment: Environment): TE.TaskEither<Problem, Place> =>
  environment['COS_BUCKET']
    ? TE.fromEither(ownBucket(environment['COS_BUCKET'], environment))
    : pipe(startCommand(), TE.chainEitherKW(emulatorPlace))
