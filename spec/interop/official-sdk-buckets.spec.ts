/** Tencent's Node SDK, unmodified, against the emulator: ACLs, tags, appending, CORS and the configurations of buckets. */
import type COS from 'cos-nodejs-sdk-v5'
import t, { type Test } from 'tap'
import { startTestEmulator } from '../support/signed.js'
import { createSdk } from './create-sdk.js'

const at = { Bucket: 'examplebucket-1250000000', Region: 'ap-guangzhou' }

const start = async (t: Test): Promise<COS> => {
  const { address, credentials } = await startTestEmulator(t)
  return createSdk(credentials, { Ip: address })
}

/** The error that the SDK threw; undefined if it threw none. */
const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (thrown: unknown) => thrown
  )

t.test('ACLs of buckets and objects are written and read', async (t) => {
  const sdk = await start(t)
  await sdk.putObject({ ...at, Key: '1.txt', Body: 'hello!' })
  const GrantRead = 'id="qcs::cam::uin/1001:uin/1001",id="qcs::cam::uin/1002:uin/1002"'
  const AccessControlPolicy = {
    Owner: { ID: '1250000000' },
    Grants: [{ Grantee: { ID: 'qcs::cam::uin/10002:uin/10002' }, Permission: 'READ' as const }]
  }
  await sdk.putBucketAcl({ ...at, ACL: 'public-read', GrantRead })
  t.match(await sdk.getBucketAcl(at), { ACL: 'public-read', GrantRead })
  await sdk.putBucketAcl({ ...at, AccessControlPolicy })
  const bucket = await sdk.getBucketAcl(at)
  t.match(bucket.Grants, [{ Grantee: { ID: 'qcs::cam::uin/10002:uin/10002' }, Permission: 'READ' }])
  t.equal(bucket.Grants.length, 1)
  const object = { ...at, Key: '1.txt' }
  await sdk.putObjectAcl({ ...object, ACL: 'private' })
  t.equal((await sdk.getObjectAcl(object)).Grants.length, 1)
  t.match(await refusal(sdk.putBucketAcl({ ...at, GrantRead: 'x' })), { statusCode: 400 })
})

t.test('tags of objects are written, read and deleted', async (t) => {
  const sdk = await start(t)
  const object = { ...at, Key: '1.txt' }
  const Tags = [
    { Key: 'k1', Value: 'v1' },
    { Key: 'k2', Value: 'v2' }
  ]
  t.match(await refusal(sdk.putObjectTagging({ ...object, Tags })), { statusCode: 404 })
  await sdk.putObject({ ...object, Body: 'hello!' })
  await sdk.putObjectTagging({ ...object, Tags })
  t.strictSame((await sdk.getObjectTagging(object)).Tags, Tags)
  await sdk.deleteObjectTagging(object)
  t.strictSame((await sdk.getObjectTagging(object)).Tags, [])
})

t.test('an object is appended to', async (t) => {
  const sdk = await start(t)
  const object = { ...at, Key: 'log' }
  const first = await sdk.appendObject({ ...object, Body: 'hello ', Position: 0 })
  const next = Number(first.headers?.['x-cos-next-append-position'])
  await sdk.appendObject({ ...object, Body: 'world', Position: next })
  t.equal(String((await sdk.getObject(object)).Body), 'hello world')
  const refused = await refusal(sdk.appendObject({ ...object, Body: '!', Position: next }))
  t.match(refused, { statusCode: 409, code: 'AppendPositionErr' })
})

t.test('CORS rules are written, obeyed and deleted', async (t) => {
  const sdk = await start(t)
  const CORSRules = [
    {
      ...{ AllowedOrigin: ['*'], AllowedMethod: ['GET', 'PUT'], AllowedHeader: ['*', 'test-1'] },
      ...{ ExposeHeader: ['etag', 'date'], MaxAgeSeconds: 5 }
    }
  ]
  const requested = { Origin: 'https://qq.com', AccessControlRequestMethod: 'PUT' as const }
  const preflight = {
    ...at,
    Key: '1.jpg',
    ...requested,
    AccessControlRequestHeaders: 'Authorization,x-cos-a'
  }
  t.match(await sdk.optionsObject(preflight), { statusCode: 403 })
  await sdk.putBucketCors({ ...at, CORSRules })
  t.match((await sdk.getBucketCors(at)).CORSRules, [{ AllowedOrigins: ['*'], MaxAgeSeconds: '5' }])
  t.match(await sdk.optionsObject(preflight), { statusCode: 200, AccessControlAllowMethods: 'GET,PUT' })
  await sdk.deleteBucketCors(at)
  t.strictSame((await sdk.getBucketCors(at)).CORSRules, [])
})

t.test('the location and the configurations of a bucket are written, read and deleted', async (t) => {
  const sdk = await start(t)
  t.equal((await sdk.getBucketLocation(at)).LocationConstraint, 'ap-guangzhou')
  const Tags = [{ Key: 'k', Value: 'v' }]
  await sdk.putBucketTagging({ ...at, Tags })
  t.strictSame((await sdk.getBucketTagging(at)).Tags, Tags)
  await sdk.deleteBucketTagging(at)
  t.strictSame((await sdk.getBucketTagging(at)).Tags, [])

  const statement = [{ effect: 'allow', action: ['name/cos:PutObject'], resource: ['qcs::cos:*'] }]
  await sdk.putBucketPolicy({ ...at, Policy: { version: '2.0', statement } })
  t.match(await sdk.getBucketPolicy(at), { Policy: { Statement: statement } })
  await sdk.deleteBucketPolicy(at)
  t.match(await refusal(sdk.getBucketPolicy(at)), { statusCode: 404 })

  const Rules = [{ ID: '1', Filter: { Prefix: 'a/' }, Status: 'Enabled' as const, Expiration: { Days: '9' } }]
  await sdk.putBucketLifecycle({ ...at, Rules })
  t.match(await sdk.getBucketLifecycle(at), { Rules: [{ ID: '1', Filter: { Prefix: 'a/' } }] })
  await sdk.deleteBucketLifecycle(at)
  t.strictSame((await sdk.getBucketLifecycle(at)).Rules, [])

  const WebsiteConfiguration = { IndexDocument: { Suffix: 'index.html' } }
  await sdk.putBucketWebsite({ ...at, WebsiteConfiguration })
  t.match(await sdk.getBucketWebsite(at), { WebsiteConfiguration })
  await sdk.deleteBucketWebsite(at)
  t.strictSame((await sdk.getBucketWebsite(at)).WebsiteConfiguration, {})

  const BucketLoggingStatus = { LoggingEnabled: { TargetBucket: at.Bucket, TargetPrefix: 'log' } }
  await sdk.putBucketLogging({ ...at, BucketLoggingStatus })
  t.match(await sdk.getBucketLogging(at), { BucketLoggingStatus })
  const AccelerateConfiguration = { Status: 'Enabled' as const }
  await sdk.putBucketAccelerate({ ...at, AccelerateConfiguration })
  t.match(await sdk.getBucketAccelerate(at), { AccelerateConfiguration })
})
