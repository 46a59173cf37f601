/** The contenders: cospipe, undici alone, and the official SDK, against the same server. */
import { createRequire } from 'node:module'
import * as E from 'fp-ts/lib/Either.js'
import { Agent } from 'undici'
import { createClient, formatError, type Client, type CosError } from '../../lib/index.js'
import { serverProcess } from './measure.js'

export const bucket = 'examplebucket-1250000000'
export const host = `${bucket}.cos.ap-guangzhou.myqcloud.com`

export const value = <A>(result: E.Either<CosError, A>): A => {
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  return result.right
}

/** Runs numbered jobs with n workers. */
export const workers = async (
  count: number,
  n: number,
  work: (at: number) => Promise<void>
): Promise<void> => {
  let next = 0
  await Promise.all(
    Array.from({ length: n }, async () => {
      while (next < count) {
        const at = next
        next += 1
        await work(at)
      }
    })
  )
}

type Call = (parameters: object) => Promise<unknown>

export interface Sdk {
  readonly sliceUploadFile: Call
  readonly uploadFiles: Call
  readonly putObject: Call
  readonly headObject: Call
  readonly getObject: Call
  readonly getBucket: (parameters: object) => Promise<{ readonly NextMarker?: string }>
}

export const officialSdk = (address: string, options: object): Sdk => {
  const load: unknown = createRequire(import.meta.url)('cos-nodejs-sdk-v5')
  const Cos = load as new (options: object) => Sdk
  return new Cos({
    SecretId: 'AKIDbenchExampleNotARealSecretId0001',
    SecretKey: 'benchExampleNotARealSecretKey000001',
    Protocol: 'http:',
    Domain: address,
    UploadCheckContentMd5: false,
    ...options
  })
}

export interface SetUp {
  readonly client: Client
  readonly agent: Agent
  readonly address: string
  readonly origin: string
  readonly stop: () => Promise<void>
}

export const setUp = async (): Promise<SetUp> => {
  const server = await serverProcess('null-cos')
  const client = E.getOrElse((): Client => {
    throw new Error('no client')
  })(
    createClient({
      region: 'ap-guangzhou',
      scheme: 'http',
      address: server.address,
      credentials: { secretId: 'AKIDbenchExampleNotARealSecretId0001', secretKey: 'benchExampleKey' }
    })
  )
  const agent = new Agent({ pipelining: 1 })
  return {
    client,
    agent,
    address: server.address,
    origin: `http://${server.address}`,
    stop: async () => {
      await client.close()
      await agent.destroy()
      server.stop()
    }
  }
}
