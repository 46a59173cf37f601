import t from 'tap'
import { clientFromEnvironment, credentialsFromEnvironment } from '../../lib/client/environment.js'
import { left, right } from '../support/server.js'

const pair = { COS_SECRET_ID: 'AKIDvectorExampleNotARealSecretId001', COS_SECRET_KEY: 'vectorExampleKey' }

t.test('credentials are read under the names that COS tools use', (t) => {
  t.same(right(credentialsFromEnvironment(pair)), {
    secretId: 'AKIDvectorExampleNotARealSecretId001',
    secretKey: 'vectorExampleKey'
  })
  t.equal(right(credentialsFromEnvironment({ ...pair, COS_SESSION_TOKEN: 't' })).sessionToken, 't')
  t.equal(right(credentialsFromEnvironment({ ...pair, COS_SESSION_TOKEN: '' })).sessionToken, undefined)
  t.end()
})

t.test('a missing variable is InvalidInput that names it', (t) => {
  t.match(left(credentialsFromEnvironment({})), { _tag: 'InvalidInput', field: 'COS_SECRET_ID' })
  t.match(left(credentialsFromEnvironment({ ...pair, COS_SECRET_KEY: '' })), { field: 'COS_SECRET_KEY' })
  t.match(left(clientFromEnvironment({}, pair)), { field: 'region' })
  t.equal(
    right(clientFromEnvironment({}, { ...pair, COS_REGION: 'ap-nanjing' })).endpoint.region,
    'ap-nanjing'
  )
  t.equal(
    right(clientFromEnvironment({ region: 'ap-tokyo' }, { ...pair, COS_REGION: 'x' })).endpoint.region,
    'ap-tokyo'
  )
  t.end()
})
