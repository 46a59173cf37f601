/** The command line of `cospipe-emulator`. */
import { parseArgs } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import type { BucketOptions, Credentials, EmulatorOptions } from './options.js'

export const usage = `Usage: cospipe-emulator [options]

A COS endpoint on this machine, over HTTP, and HTTPS with --tls.

  --port N            port to listen on (default: a free port)
  --host HOST         address to listen on (default: 127.0.0.1)
  --dir DIR           directory for objects (default: in memory)
  --bucket NAME[,versioning=Enabled|Suspended][,acl=private|public-read|public-read-write]
                      bucket to create, {name}-{appid}; may be repeated
                      (default: examplebucket-1250000000)
  --region REGION     region that the emulator reports (default: ap-guangzhou)
  --cors ORIGIN       origin of web pages that may use buckets without a CORS
                      configuration, such as http://localhost:3000 or '*';
                      may be repeated (default: none)
  --tls               serve HTTPS beside HTTP on the port, and CONNECT for proxies
  --tls-ca FILE       with --tls: write the certificate that clients must trust,
                      such as by NODE_EXTRA_CA_CERTS
  --secret-id ID      accepted credentials, together with --secret-key
  --secret-key KEY    (default: AKIDEmulatorExampleNotARealSecretId00,
                      emulatorExampleNotARealSecretKey0000)
  --help              print this text
`

const versionings = { Enabled: 'Enabled', Suspended: 'Suspended' } as const
const acls = {
  private: 'private',
  'public-read': 'public-read',
  'public-read-write': 'public-read-write'
} as const

const entry = <K extends string, V>(values: Readonly<Record<K, V>>, name: string): V | undefined =>
  Object.entries<V>(values).find(([key]) => key === name)?.[1]

/** `other-1250000000,versioning=Enabled` */
const readBucket = (text: string): E.Either<string, BucketOptions> => {
  const [name = '', ...settings] = text.split(',')
  let bucket: BucketOptions = { name }
  for (const setting of settings) {
    const [field, value = ''] = setting.split('=')
    const versioning = field === 'versioning' ? entry(versionings, value) : undefined
    const acl = field === 'acl' ? entry(acls, value) : undefined
    if (versioning === undefined && acl === undefined) return E.left(`--bucket: unknown setting ${setting}`)
    bucket = { ...bucket, ...(versioning && { versioning }), ...(acl && { acl }) }
  }
  return E.right(bucket)
}

const readCredentials = (
  secretId: string | undefined,
  secretKey: string | undefined
): E.Either<string, ReadonlyArray<Credentials>> => {
  if (secretId === undefined && secretKey === undefined) return E.right([])
  return secretId !== undefined && secretKey !== undefined
    ? E.right([{ secretId, secretKey }])
    : E.left('--secret-id and --secret-key must be given together')
}

/** Options for an emulator; a message if the arguments are not valid; `help` for `--help`. */
export const readArguments = (args: ReadonlyArray<string>): E.Either<string, EmulatorOptions | 'help'> => {
  const parsed = E.tryCatch(
    () =>
      parseArgs({
        args: [...args],
        options: {
          port: { type: 'string' },
          host: { type: 'string' },
          dir: { type: 'string' },
          bucket: { type: 'string', multiple: true },
          region: { type: 'string' },
          cors: { type: 'string', multiple: true },
          tls: { type: 'boolean' },
          'tls-ca': { type: 'string' },
          'secret-id': { type: 'string' },
          'secret-key': { type: 'string' },
          help: { type: 'boolean' }
        }
      }).values,
    (thrown) => (thrown instanceof Error ? thrown.message : String(thrown))
  )
  if (E.isLeft(parsed)) return parsed
  const { port, host, dir, bucket, region, cors, tls, help } = parsed.right
  const tlsCa = parsed.right['tls-ca']
  if (help === true) return E.right('help')
  if (tlsCa !== undefined && tls !== true) return E.left('--tls-ca must be given together with --tls')
  if (port !== undefined && !/^\d{1,5}$/.test(port))
    return E.left('--port: must be an integer from 0 to 65535')
  const buckets = E.traverseArray(readBucket)(bucket ?? [])
  if (E.isLeft(buckets)) return buckets
  const credentials = readCredentials(parsed.right['secret-id'], parsed.right['secret-key'])
  if (E.isLeft(credentials)) return credentials
  return E.right({
    // The command has no reader of them. They took half of the memory of 30,000 objects (heap, Node 20.20).
    keepRequests: 0,
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(host === undefined ? {} : { host }),
    ...(dir === undefined ? {} : { dir }),
    ...(region === undefined ? {} : { region }),
    ...(cors === undefined ? {} : { cors }),
    ...(tls === undefined ? {} : { tls }),
    ...(tlsCa === undefined ? {} : { tlsCa }),
    ...(buckets.right.length === 0 ? {} : { buckets: buckets.right }),
    ...(credentials.right.length === 0 ? {} : { credentials: credentials.right })
  })
}
