import * as E from 'fp-ts/lib/Either.js'
import * as io from 'io-ts'
import t from 'tap'
import type { InputProblem } from '../../lib/core/error.js'
import * as In from '../../lib/core/input.js'
import { GiB, MiB } from '../../lib/core/limits.js'

interface Part {
  readonly number: number
  readonly etag?: string
}
interface Sample {
  readonly name: string
  readonly size?: number
  readonly since?: Date
  readonly parts?: ReadonlyArray<Part>
  readonly tags?: Readonly<Record<string, string>>
}

const Part = In.struct<Part>('a part', { number: In.integer(1, 10), etag: In.optional(In.nonEmpty) })
const Sample = In.struct<Sample>('a sample', {
  name: In.text,
  size: In.optional(In.integer(0)),
  since: In.optional(In.date),
  parts: In.optional(io.readonlyArray(Part, 'a list of parts')),
  tags: In.optional(In.textByName)
})

const problem = (u: unknown) => {
  const checked = Sample.decode(u)
  return E.isLeft(checked) ? In.firstProblem(checked.left) : undefined
}

t.test('struct decodes its fields and drops those that are undefined', async (t) => {
  const since = new Date(0)
  const whole = {
    name: 'a',
    size: 1,
    since,
    parts: [{ number: 1, etag: '"x"' }, { number: 2 }],
    tags: { a: 'b' }
  }
  t.same(Sample.decode(whole), E.right(whole))
  t.same(Sample.decode({ name: 'a', size: undefined, nonsense: undefined }), E.right({ name: 'a' }))
  t.equal(Sample.is(whole), true)
  t.equal(Sample.is({ ...whole, size: -1 }), false)
  t.same(Sample.encode(whole), whole)
})

t.test('the first problem of an input has its path, its kind and its rule', async (t) => {
  const invalid = 'invalid'
  const wrong: ReadonlyArray<readonly [input: unknown, problem: Partial<InputProblem>]> = [
    [undefined, { field: '', problem: invalid, message: 'must be an object', received: 'undefined' }],
    [null, { field: '', problem: invalid, message: 'must be an object', received: 'null' }],
    ['text', { field: '', message: 'must be an object', received: '"text"' }],
    [[], { field: '', message: 'must be an object', received: 'an array of 0' }],
    [{}, { field: 'name', problem: 'missing', message: 'is required' }],
    [{ name: 1 }, { field: 'name', message: 'must be a string', received: '1' }],
    [{ name: null }, { field: 'name', problem: invalid, message: 'must be a string', received: 'null' }],
    [
      { name: 'a', size: null },
      { field: 'size', message: 'must be an integer, at least 0' }
    ],
    [
      { name: 'a', sise: 1 },
      { field: 'sise', problem: 'unknown', suggestion: 'size' }
    ],
    [
      { name: 'a', since: new Date(NaN) },
      { message: 'must be a valid Date', received: 'an invalid Date' }
    ],
    [
      { name: 'a', since: '2024-05-01' },
      { field: 'since', received: '"2024-05-01"' }
    ],
    [
      { name: 'a', parts: {} },
      { field: 'parts', message: 'must be a list of parts', received: 'an object' }
    ],
    [
      { name: 'a', parts: ['x'] },
      { field: 'parts.0', message: 'must be a part' }
    ],
    [
      { name: 'a', parts: [{ number: 1 }, { number: 11 }] },
      { field: 'parts.1.number', message: 'must be an integer from 1 to 10', received: '11' }
    ],
    [
      { name: 'a', parts: [{ number: 1, etag: '' }] },
      { field: 'parts.0.etag', message: 'must be a non-empty string' }
    ],
    [
      { name: 'a', parts: [{ number: 1, eTag: 'x' }] },
      { field: 'parts.0.eTag', suggestion: 'etag' }
    ],
    [
      { name: 'a', tags: { b: 1 } },
      { field: 'tags.b', message: 'must be a string' }
    ],
    [
      { name: 'a', tags: ['b'] },
      { field: 'tags', message: 'must be an object of strings' }
    ]
  ]
  for (const [input, expected] of wrong) t.match(problem(input), expected, JSON.stringify(input))
})

t.test('struct ignores fields of the prototype and rejects unknown own fields', async (t) => {
  t.same(
    Sample.decode(Object.assign(Object.create({ other: 1 }) as object, { name: 'a' })),
    E.right({ name: 'a' })
  )
  t.match(problem(JSON.parse('{"name":"a","__proto__":1}')), { field: '__proto__' })
  t.match(problem({ name: 'a', constructor: 1 }), { field: 'constructor' })
})

t.test('a problem within a secret codec has its rule, and no received value', async (t) => {
  const Keys = In.struct<{ readonly pair: Sample }>('keys', { pair: In.secret(Sample) })
  for (const [pair, field] of [
    [{ name: 12345 }, 'pair.name'],
    [{ name: 'a', parts: [{ number: 12345 }] }, 'pair.parts.0.number'],
    [{ name: 'a', tags: { a: 12345 } }, 'pair.tags.a'],
    ['12345', 'pair']
  ] as const) {
    const checked = Keys.decode({ pair })
    const found = E.isLeft(checked) ? In.firstProblem(checked.left) : undefined
    t.match(found, { field, message: /^must be/ })
    t.notMatch(JSON.stringify(found), /12345/)
  }
})

t.test('integers and sizes have limits, both included, and a message with the unit', async (t) => {
  const codec = In.integer(1, 3)
  for (const n of [1, 2, 3]) t.equal(codec.is(n), true)
  for (const n of [0, 4, 1.5, NaN, Infinity, -1, '1', 1n, null]) t.equal(codec.is(n), false)
  t.equal(In.integer(0).is(Number.MAX_SAFE_INTEGER), true)
  t.equal(In.integer(0).is(Number.MAX_SAFE_INTEGER + 1), false)
  t.equal(In.integer(5).name, 'an integer, at least 5')
  t.equal(In.integer(1, 10_000).name, 'an integer from 1 to 10,000')
  t.equal(In.integer(819_200, 838_860_800, 'bit/s').name, 'an integer from 819,200 to 838,860,800 (bit/s)')
  t.equal(In.bytes(0).name, 'an integer, at least 0 (bytes)')
  t.equal(In.bytes(2 * MiB).name, 'at least 2 MiB, in bytes (2097152)')
  t.equal(In.bytes(MiB, 5 * GiB).name, '1 MiB to 5 GiB, in bytes (1048576 to 5368709120)')
  t.same([MiB - 1, MiB, 5 * GiB, 5 * GiB + 1].map(In.bytes(MiB, 5 * GiB).is), [false, true, true, false])
})

t.test('check decodes a single value as its field', async (t) => {
  const Seconds = In.integer(1, 9, 'seconds')
  t.same(In.check('expiresIn', Seconds)(5), E.right(5))
  const field = 'expiresIn'
  const message = 'must be an integer from 1 to 9 (seconds)'
  t.same(In.check(field, Seconds)(0), E.left({ field, problem: 'invalid', message, received: '0' }))
})

t.test('refined reports the problem of its codec first, then its own', async (t) => {
  const even = In.refined(In.integer(0), 'an even number', (n) => n % 2 === 0)
  const expectedOf = (u: unknown) => {
    const checked = even.decode(u)
    return E.isLeft(checked) ? In.firstProblem(checked.left).message : undefined
  }
  t.equal(expectedOf(2), undefined)
  t.equal(expectedOf(3), 'must be an even number')
  t.equal(expectedOf('x'), 'must be an integer, at least 0')
  t.equal(even.is(4), true)
  t.equal(even.is(5), false)
})

t.test('oneOf accepts its words only, and lists them', async (t) => {
  const codec = In.oneOf('COPY', 'REPLACED')
  t.same(codec.decode('COPY'), E.right('COPY'))
  t.match(codec.decode('copy'), { left: [{ message: "'COPY' or 'REPLACED'" }] })
  t.equal(codec.is('toString'), false)
  t.equal(In.oneOf('SQL').name, "'SQL'")
  t.equal(In.oneOf('a', 'b', 'c').name, "one of 'a', 'b', 'c'")
})

t.test('headerValue rejects line breaks, control characters and code points above U+00FF', async (t) => {
  for (const text of ['', 'a b\tc', '\u00e9\u00ff', '"quoted"'])
    t.equal(In.headerValue.is(text), true, JSON.stringify(text))
  for (const text of ['a\r\nb', '\n', '\0', '\u007f', '\u001b', '腾', '\ud800']) {
    t.equal(In.headerValue.is(text), false, JSON.stringify(text))
  }
})

t.test('boolean, date, text and nonEmpty accept values of their type only', async (t) => {
  t.same([true, false, 'true', 0, null].map(In.boolean.is), [true, true, false, false, false])
  t.same([new Date(0), new Date(''), '2024', 0].map(In.date.is), [true, false, false, false])
  t.same(['', 'a', 1].map(In.text.is), [true, true, false])
  t.same(['', 'a', 1].map(In.nonEmpty.is), [false, true, false])
})

t.test('defined drops undefined, and keeps null and the empty text', async (t) => {
  t.strictSame(In.defined({ a: 1, b: undefined, c: null, d: '' }), { a: 1, c: null, d: '' })
})

t.test('firstProblem of no failures is a general problem', async (t) => {
  t.match(In.firstProblem([]), { field: '', problem: 'invalid' })
})
