/**
 * Arbitrary responses to all operations: each ends in a true result or a known error.
 *
 * SEED and CASE repeat one case, CASES sets their number; `npm run fuzz` runs 10,000 with a new seed.
 */
import { inspect } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { createClient, type Timeouts } from '../../lib/client/client.js'
import { isLongForm } from '../support/long-form.js'
import { becomesTrue } from '../support/wait-for.js'
import { credentials, right } from '../support/server.js'
import { randomFrom } from './seeded-random.js'
import { mutantOf, type Mutant } from './mutants.js'
import { key, targets, sum, type At, type Target } from './targets.js'
import { findProblems } from './oracle.js'
import { startRawServer, type RawServer } from './raw-server.js'

const many = fc.readConfigureGlobal().numRuns
const cases = Number(process.env['CASES'] ?? many ?? 100)
const seed = process.env['SEED'] ?? (many === undefined ? '1' : String(Date.now()))
const only = process.env['CASE']

// Longer than any timeout of the client: a call that takes longer hangs.
const hangTimeout = 30_000
const silence = isLongForm ? 300 : 1000
const timeouts = { connect: 5000, headers: silence, idle: silence, unread: 5000, overall: 5 * silence }
/** For responses that must arrive even on a busy machine. */
const longTimeouts = { connect: 5000, headers: 5000, idle: 5000, unread: 5000, overall: 20_000 }

/** Fails if a promise hangs. */
const failIfHanging = async <A>(promise: Promise<A>, name: string): Promise<A> => {
  const over = new AbortController()
  const late = sleep(hangTimeout, undefined, { signal: over.signal }).then(
    () => {
      throw new Error(`${name} hangs`)
    },
    () => new Promise<never>(() => undefined)
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}

const waitUntil = async (done: () => boolean, problem: string): Promise<void> => {
  if (!(await becomesTrue(done))) throw new Error(problem)
}

/** A result without the parts that differ between responses of the same meaning. */
const meaningOf = (result: unknown): string =>
  inspect(result, { depth: 9, sorted: true })
    .replace(/ *headers: (?:\[Object: null prototype\] )?\{[^}]*\},?/g, '')
    .replace(/\s+/g, ' ')

const tagOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && '_tag' in error ? String(error._tag) : 'unknown'

interface Case {
  readonly target: Target
  readonly mutant: Mutant
  readonly at: At
  readonly seed: string
}

const caseOf = (n: number): Case => {
  const own = `${seed}:${String(n)}`
  const target = randomFrom(own).of(targets)
  return {
    target,
    mutant: mutantOf(target, own),
    at: { bucket: `case${String(n)}-1250000000`, key },
    seed: own
  }
}

const ask = async (
  wire: RawServer,
  { target, mutant, at, seed }: Case,
  deadlines: Timeouts = timeouts
): Promise<E.Either<unknown, unknown>> => {
  wire.scripts.set(at.bucket, mutant.script)
  const client = right(
    createClient({
      region: 'ap-guangzhou',
      scheme: 'http',
      address: wire.address,
      credentials,
      timeouts: deadlines,
      retry: { attempts: 1 }
    })
  )
  try {
    const result = await failIfHanging(target.run(client, at, randomFrom(`${seed}:reader`)), 'the call')
    const found = findProblems(target, mutant, at, sum, result)
    if (found.length > 0) throw new Error(found.join('; '), { cause: result })
    // A body that was neither read nor destroyed would keep its request running.
    const { dispatcher } = client
    const busy = (): number =>
      'stats' in dispatcher
        ? Object.values(dispatcher.stats as Record<string, { running: number; pending: number }>).reduce(
            (all, { running, pending }) => all + running + pending,
            0
          )
        : 0
    await waitUntil(() => busy() === 0, 'a request is still running')
    return result
  } finally {
    await client.close()
    wire.scripts.delete(at.bucket)
  }
}

/** The results of the true responses, which responses of the same meaning must have. */
const trueMeanings = async (wire: RawServer): Promise<ReadonlyMap<string, string>> => {
  const meanings = new Map<string, string>()
  for (const [n, target] of targets.entries()) {
    const { status, headers, body } = target.truth
    const lines = [...headers, ['Content-Length', String(body.length)] as const].map(
      ([name, value]) => `${name}: ${value}`
    )
    const head = Buffer.from([`HTTP/1.1 ${String(status)} OK`, ...lines, '', ''].join('\r\n'))
    const bodiless = target.action === 'HeadObject' || status === 204
    const whole = Buffer.concat([head, bodiless ? Buffer.alloc(0) : body])
    const mutant: Mutant = {
      description: [],
      harmless: true,
      cut: false,
      payload: body,
      head,
      script: { early: false, continues: true, steps: () => [{ _tag: 'Say', bytes: whole }] }
    }
    const at = { bucket: `true${String(n)}-1250000000`, key }
    meanings.set(
      target.name,
      meaningOf(await ask(wire, { target, mutant, at, seed: 'true' }, longTimeouts)).replaceAll(at.bucket, '')
    )
  }
  return meanings
}

t.test('any response ends in a true result or a known error', async (t) => {
  const wire = await startRawServer()
  t.teardown(wire.close)
  const strays: Array<unknown> = []
  const stray = (thrown: unknown): void => void strays.push(thrown)
  process.on('uncaughtException', stray).on('unhandledRejection', stray)
  t.teardown(() => process.off('uncaughtException', stray).off('unhandledRejection', stray))

  const truths = await trueMeanings(wire)
  const problems: Array<string> = []
  const came = { Left: 0, Right: 0 }
  const tags = new Map<string, number>()
  const tryOne = async (n: number): Promise<void> => {
    const one = caseOf(n)
    try {
      const result = await ask(wire, one)
      came[result._tag] += 1
      const tag = E.isLeft(result) ? tagOf(result.left) : 'Right'
      tags.set(tag, (tags.get(tag) ?? 0) + 1)
      const same = meaningOf(result).replaceAll(one.at.bucket, '') === truths.get(one.target.name)
      const late = E.isLeft(result) && /Timeout/.test(inspect(result.left))
      const left = E.isRight(result) && /Unread/.test(inspect(result.right))
      if (one.mutant.harmless && one.target.name !== 'selectObjectContent' && !same && !late && !left) {
        throw new Error('a response of the same meaning has another result', { cause: result })
      }
      if (strays.length > 0) throw new Error('an error was not caught', { cause: strays.splice(0) })
      if (only !== undefined)
        t.comment(one.target.name, one.mutant.description, inspect(result, { depth: 4 }))
    } catch (thrown) {
      problems.push(
        `SEED=${seed} CASE=${String(n)} ${one.target.name} [${one.mutant.description.join(' | ')}]: ${inspect(thrown, { depth: 6 }).slice(0, 2000)}`
      )
    }
  }
  const numbers = only === undefined ? Array.from({ length: cases }, (_, n) => n) : [Number(only)]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let n = numbers.shift(); n !== undefined; n = numbers.shift()) await tryOne(n)
    })
  )
  t.same(problems.slice(0, 20), [], `SEED=${seed}`)
  t.comment(Object.fromEntries(tags))
  if (only === undefined) {
    t.ok(came.Right > cases / 20, `${String(came.Right)} results were true`)
    t.ok(came.Left > cases / 5, `${String(came.Left)} failures were known`)
  }
  await waitUntil(() => wire.open() === 0, 'a connection is still open')
  t.equal(wire.open(), 0)
})

t.test('the oracle detects a false result', async (t) => {
  const target = targets.find(({ name }) => name === 'getObject')
  if (target === undefined) throw new Error('no such target')
  const mutant = {
    ...mutantOf(target, 'x'),
    payload: Buffer.from('123456789'),
    head: Buffer.from('etag: "a"')
  }
  const at = { bucket: 'b-1250000000', key }
  const found = (value: unknown): string => findProblems(target, mutant, at, sum, E.right(value)).join('; ')
  t.equal(found({ etag: '"a"' }), '')
  t.match(found({ etag: '"b"' }), /not in the response/)
  t.match(found({ etag: undefined }), /is undefined/)
  t.match(found({ size: Number.NaN }), /is NaN/)
  t.match(found({ at: new Date(Number.NaN) }), /is no date/)
  t.match(found({ at: new Date(0) }), /not in the response/)
  t.match(found({ bytes: Buffer.from('12'), size: 3 }), /2 bytes instead of 3/)
  const headers = { 'x-cos-hash-crc64ecma': String(sum) }
  t.match(
    found({ headers, bytes: Buffer.from('12'), outcome: { _tag: 'Verified', crc64: sum } }),
    /verified, with/
  )
  const context = { operation: 'GetObject', bucket: 'other-1250000000', key: O.none, attempts: 1 }
  const error = { _tag: 'Aborted', context, reason: 'x' } as const
  t.same(findProblems(target, mutant, at, sum, E.left(error)), [
    'a Aborted',
    'of the bucket other-1250000000',
    'of another key'
  ])
})
