/** An emulator with a bucket of each kind, and calls to it. */
import * as O from 'fp-ts/lib/Option.js'
import type { Operation } from '../../lib/core/operation.js'
import { send } from '../../lib/client/send.js'
import type { EmulatorOptions } from '../../lib/emulator/index.js'
import { bucket, startCos } from '../support/cos.js'
import { left, right } from '../support/server.js'

export { bucket } from '../support/cos.js'

export const region = 'ap-guangzhou'
export const versioned = 'versioned-1250000000'
export const suspended = 'suspended-1250000000'
export const nowhere = 'nowhere-1250000000'

/** A customer's key. */
export const sseC = { type: 'C', key: Buffer.from('0123456789ABCDEF0123456789ABCDEF') } as const
export const sseCMd5 = 'U5L61r7jcwdNvT7frmUG8g=='
export const otherC = { type: 'C', key: Buffer.alloc(32, 8) } as const

type Teardown = Parameters<typeof startCos>[0]

export const startFixture = async (t: Teardown, options: EmulatorOptions = {}) => {
  const cos = await startCos(t, {
    buckets: [
      bucket,
      { name: versioned, versioning: 'Enabled' },
      { name: suspended, versioning: 'Suspended' }
    ],
    ...options
  })
  const client = cos.client({ region, retry: { base: 0 } })
  return {
    cos,
    client,
    emulator: cos.emulator,
    run: async <A>(operation: Operation<A>): Promise<A> => right(await send(operation)(client)()),
    runFailing: async (operation: Operation<unknown>) => left(await send(operation)(client)()),
    /** The headers of the last request of an operation, as received. */
    headersOf: (operation: string) =>
      cos.emulator.requests().findLast((request) => request.operation === operation)?.headers ?? {}
  }
}

/** The value of an option that must have one. */
export const some = <A>(option: O.Option<A>): A => {
  if (O.isSome(option)) return option.value
  throw new Error('a Some was expected')
}

export const textOf = async (body: { readonly toArray: () => Promise<ReadonlyArray<unknown>> }) =>
  Buffer.concat((await body.toArray()) as ReadonlyArray<Buffer>).toString()

/** Dates in whole seconds, as headers have them. */
export const past = new Date('2020-01-02T03:04:05Z')
export const future = new Date('2100-01-02T03:04:05Z')

/** The metadata of an object, as they are sent and as they are returned. */
export const entity = {
  cacheControl: 'max-age=60',
  contentDisposition: 'attachment; filename="a.txt"',
  contentEncoding: 'x-spec',
  contentLanguage: 'en',
  contentType: 'text/x-spec',
  expires: new Date('2030-05-01T08:31:00Z'),
  metadata: { colour: 'red', 'x-cos-meta-Shape': 'round' }
}
export const entityAttributes = {
  cacheControl: O.some('max-age=60'),
  contentDisposition: O.some('attachment; filename="a.txt"'),
  contentEncoding: O.some('x-spec'),
  contentLanguage: O.some('en'),
  contentType: O.some('text/x-spec'),
  expires: O.some('Wed, 01 May 2030 08:31:00 GMT'),
  metadata: { colour: 'red', shape: 'round' }
}

/** The access control of an object: as an input, and as headers. */
export const access = {
  acl: 'public-read',
  grantRead: [{ id: '100000000001' }, { id: 'qcs::cam::uin/100000000001:uin/100000000002' }],
  grantWrite: [{ id: '100000000003' }],
  grantReadAcp: 'id="100000000004"',
  grantWriteAcp: [{ id: '100000000005' }],
  grantFullControl: [{ id: '100000000006' }]
}
export const accessHeaders = {
  'x-cos-acl': 'public-read',
  'x-cos-grant-read': 'id="100000000001",id="qcs::cam::uin/100000000001:uin/100000000002"',
  'x-cos-grant-write': 'id="100000000003"',
  'x-cos-grant-read-acp': 'id="100000000004"',
  'x-cos-grant-write-acp': 'id="100000000005"',
  'x-cos-grant-full-control': 'id="100000000006"'
}

/** A key with spaces, a percent sign, a leading slash, and characters of four bytes. */
export const awkward = '/trips/2024 %2F+&?#"<腾😀.txt'
/** A key that a proxy may normalize to the path of the bucket. */
export const collapsing = { key: 'a/..', allowPathLikeKey: true }
