/** An emulator and clients for it over real sockets, closed with the test. */
import * as E from 'fp-ts/lib/Either.js'
import { startEmulator, type Emulator, type EmulatorOptions } from '../../lib/emulator/index.js'
import type { Client, ClientConfig } from '../../lib/client/client.js'
import { clientOf } from './server.js'

export const bucket = 'examplebucket-1250000000'

export interface Cos {
  readonly emulator: Emulator
  readonly client: (config?: Partial<ClientConfig>) => Client
  /** The names of the requested operations, in order. */
  readonly operations: () => ReadonlyArray<string>
  /** The number of requests of an operation. */
  readonly count: (operation: string) => number
}

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

export const startCos = async (t: Teardown, options: EmulatorOptions = {}): Promise<Cos> => {
  const started = await startEmulator(options)()
  if (E.isLeft(started)) throw new Error('the emulator did not start', { cause: started.left })
  const emulator = started.right
  t.teardown(emulator.close)
  const { secretId, secretKey } = emulator.credentials
  const make = clientOf(t, emulator.address)
  const operations = (): ReadonlyArray<string> => emulator.requests().map(({ operation }) => operation)
  return {
    emulator,
    client: (config = {}) => make({ credentials: { secretId, secretKey }, ...config }),
    operations,
    count: (operation) => operations().filter((name) => name === operation).length
  }
}
