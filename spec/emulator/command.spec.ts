import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { readArguments, usage } from '../../lib/emulator/command.js'

t.test('arguments become options, without defaults', async (t) => {
  t.strictSame(readArguments([]), E.right({ keepRequests: 0 }))
  t.strictSame(readArguments(['--help', '--port', '1']), E.right('help'))
  const args = ['--port', '9000', '--host', 'localhost', '--dir', 'D', '--region', 'ap-beijing']
  t.strictSame(
    readArguments([...args, '--bucket', 'a-1', '--bucket', 'b-1,versioning=Suspended,acl=public-read-write']),
    E.right({
      keepRequests: 0,
      port: 9000,
      host: 'localhost',
      dir: 'D',
      region: 'ap-beijing',
      buckets: [{ name: 'a-1' }, { name: 'b-1', versioning: 'Suspended', acl: 'public-read-write' }]
    })
  )
  const own = ['--secret-id', 'i', '--secret-key', 'k']
  t.strictSame(
    readArguments(own),
    E.right({ keepRequests: 0, credentials: [{ secretId: 'i', secretKey: 'k' }] })
  )
  const web = ['--cors', '*', '--cors', 'http://localhost:3000', '--tls', '--tls-ca', 'F']
  const options = { keepRequests: 0, cors: ['*', 'http://localhost:3000'], tls: true, tlsCa: 'F' }
  t.strictSame(readArguments(web), E.right(options))
})

t.test('an invalid argument is named, and the secret key is not', async (t) => {
  const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [['--port', 'http'], /--port/],
    [['--port', '-1'], /--port/],
    [['--what'], /--what/],
    [['stray'], /stray/],
    [['--bucket', 'a-1,versioning=Maybe'], /versioning=Maybe/],
    [['--bucket', 'a-1,acl=default'], /acl=default/],
    [['--tls-ca', 'F'], /--tls/],
    [['--secret-id', 'x'], /--secret-key/],
    [['--secret-key', 'hidden'], /^(?!.*hidden).*--secret-id/]
  ]
  for (const [args, words] of wrong) {
    const read = readArguments(args)
    t.match(E.isLeft(read) ? read.left : '', words, args.join(' '))
  }
})

t.test('the usage describes every option', async (t) => {
  for (const name of 'port host dir bucket region cors tls tls-ca secret-id secret-key help'.split(' '))
    t.ok(usage.includes(`--${name}`))
})
