/**
 * Every operation and transfer under every fault, at its first request, at its second, and at all of them. Each cell ends
 * within its deadline, in the right result or in a typed error, and leaves no upload and no temporary file behind.
 *
 *     npm run faults -- matrix     all cells, as a table; `npm test` takes a sample
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import type { Fault, FaultInput } from '../../lib/emulator/index.js'
import { unlimitedRetries, type Client, type CosError } from '../../lib/index.js'
import { startCos } from '../support/cos.js'
import { isLongForm, sampleOf } from '../support/long-form.js'
import { mayHaveUnknown, namedUploads } from '../support/named-uploads.js'
import { faults, type NamedFault } from './faults.js'
import { openUploads, subjects, type Cell, type Subject } from './calls.js'

const positions = ['first', 'second', 'all'] as const
type Position = (typeof positions)[number]

interface Case {
  readonly subject: Subject
  readonly fault: NamedFault
  readonly position: Position
}

const cases = subjects.flatMap((subject) =>
  faults.flatMap((fault) => positions.map((position): Case => ({ subject, fault, position })))
)

/** In milliseconds, of a cell with four attempts whose every request times out. */
const deadline = 20_000

const tags: ReadonlySet<string> = new Set([
  'ServiceError',
  'DecodeError',
  'TransportError',
  'Timeout',
  'IntegrityError',
  'ObjectChanged',
  'SourceError'
])

/** A Left that the caller could have been spared. */
const isAvoidable = ({ subject, fault, position }: Case, error: CosError): boolean =>
  position !== 'all' &&
  fault.heals &&
  fault.isDamage !== true &&
  subject.isOnce !== true &&
  !(subject.isSlow === true && fault.isWait === true) &&
  // The response to a HEAD has no body.
  !(error.context.operation === 'HeadObject' && fault.needsCode === true)

const leftovers = async (
  clean: Client,
  cell: Cell,
  { subject }: Case,
  result: E.Either<CosError, unknown>
) => {
  const keepsFiles = subject.keepsPartialFile === true && E.isLeft(result)
  const files = keepsFiles
    ? []
    : readdirSync(cell.directory, { recursive: true }).filter((name) => /cospipe/.test(String(name)))
  // A fault of all requests keeps the client from finding an upload too, but its error says so.
  const isKept = subject.keepsUpload === true || (E.isLeft(result) && mayHaveUnknown(result.left.context))
  const uploads = isKept ? [] : await openUploads(clean, cell)
  const named = namedUploads(result)
  return [
    ...files.map(String),
    ...uploads.filter(({ uploadId }) => !named.has(uploadId)).map(() => 'an upload')
  ]
}

t.test('each operation and transfer under each fault', async (t) => {
  let now: { fault: Fault; position: Position; seen: number } | undefined
  const inject = (_: FaultInput): Fault | undefined => {
    if (now === undefined) return undefined
    now.seen += 1
    const { position, seen, fault } = now
    return position === 'all' || seen === (position === 'first' ? 1 : 2) ? fault : undefined
  }
  const cos = await startCos(t, { fault: inject })
  const clean = cos.client()
  const faulty = cos.client({
    // `overall` ends copies and completions, which wait at least 20 minutes for the head.
    timeouts: { headers: 250, idle: 250, connect: 1000, overall: 2000 },
    retry: { base: 1, budget: unlimitedRetries }
  })
  const strays: Array<unknown> = []
  const onStray = (reason: unknown): void => void strays.push(reason)
  process.on('unhandledRejection', onStray)
  t.teardown(() => process.off('unhandledRejection', onStray))
  const root = t.testdir({})

  const outcomeOf = async (each: Case, index: number): Promise<{ text: string; problem?: string }> => {
    const { subject, fault, position } = each
    const cell = { prefix: `cell-${String(index)}/`, directory: join(root, String(index)) }
    mkdirSync(cell.directory)
    const prepared = await subject.prepare?.(clean, cell)
    now = { fault: fault.fault, position, seen: 0 }
    const timer = new AbortController()
    const late = new Promise<'late'>((resolve) => {
      const timeout = setTimeout(() => resolve('late'), deadline)
      timer.signal.addEventListener('abort', () => clearTimeout(timeout))
    })
    const result = await Promise.race([late, subject.run(faulty, cell, prepared)])
    timer.abort()
    now = undefined
    if (result === 'late') return { text: 'late', problem: 'did not end' }
    const left = await leftovers(clean, cell, each, result)
    if (left.length > 0) return { text: 'left', problem: `left behind: ${left.join(', ')}` }
    if (E.isLeft(result)) {
      const { _tag } = result.left
      if (!tags.has(_tag))
        return { text: _tag, problem: `an error of another kind, ${JSON.stringify(result.left)}` }
      return isAvoidable(each, result.left)
        ? { text: _tag, problem: `not retried: ${JSON.stringify(result.left)}` }
        : { text: _tag }
    }
    if (await subject.isRight(clean, cell, result.right)) return { text: 'ok' }
    return subject.hasNoChecksum === true && fault.isSilent === true
      ? { text: 'unverifiable' }
      : { text: 'wrong', problem: 'a wrong result' }
  }

  const table = new Map<string, Array<string>>()
  for (const [index, each] of sampleOf([...cases.entries()], 89)) {
    const { subject, fault, position } = each
    const name = `${subject.name}, ${fault.name}, ${position}`
    const { text, problem } = await outcomeOf(each, index).catch((thrown: unknown) => ({
      text: 'thrown',
      problem: `threw ${String(thrown)}`
    }))
    const row = table.get(`${subject.name} / ${fault.name}`) ?? []
    table.set(`${subject.name} / ${fault.name}`, [...row, text])
    if (problem === undefined) t.pass(name)
    else t.fail(name, { problem })
  }
  if (isLongForm)
    for (const [name, row] of table)
      t.comment(`${name.padEnd(70)} ${row.map((text) => text.padEnd(15)).join(' ')}`)
  t.same(strays, [], 'no unhandled rejection')
})
