import * as E from 'fp-ts/lib/Either.js'
import * as io from 'io-ts'
import t from 'tap'
import * as In from '../../lib/core/input.js'

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
  parts: In.optional(io.readonlyArray(Part)),
  tags: In.optional(In.textByName)
})

const problem = (u: unknown) => {
  const judged = Sample.decode(u)
  return E.isLeft(judged) ? In.firstProblem(judged.left) : undefined
}

t.test('an input is what its fields say, and undefined is left out', async (t) => {
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

t.test('the first thing wrong is named by its path, with what would be right', async (t) => {
  const wrong: ReadonlyArray<readonly [input: unknown, field: string, expected: RegExp]> = [
    [undefined, '', /a sample/],
    [null, '', /a sample/],
    ['text', '', /a sample/],
    [[], '', /a sample/],
    [{}, 'name', /text/],
    [{ name: 1 }, 'name', /text/],
    [{ name: null }, 'name', /text/],
    [{ name: 'a', size: null }, 'size', /whole number, at least 0/],
    [{ name: 'a', sise: 1 }, 'sise', /left out: a sample has no such field/],
    [{ name: 'a', since: new Date(NaN) }, 'since', /valid Date/],
    [{ name: 'a', since: '2024-05-01' }, 'since', /valid Date/],
    [{ name: 'a', parts: {} }, 'parts', /ReadonlyArray/],
    [{ name: 'a', parts: [{ number: 1 }, { number: 11 }] }, 'parts.1.number', /from 1 to 10/],
    [{ name: 'a', parts: [{ number: 1, etag: '' }] }, 'parts.0.etag', /not empty/],
    [{ name: 'a', parts: [{ number: 1, eTag: 'x' }] }, 'parts.0.eTag', /a part has no such field/],
    [{ name: 'a', tags: { b: 1 } }, 'tags.b', /string/],
    [{ name: 'a', tags: ['b'] }, 'tags', /string/]
  ]
  for (const [input, field, expected] of wrong)
    t.match(problem(input), { field, expected }, JSON.stringify(input))
})

t.test('a field that only a prototype has is no misspelling, and one of its own is', async (t) => {
  t.same(
    Sample.decode(Object.assign(Object.create({ other: 1 }) as object, { name: 'a' })),
    E.right({ name: 'a' })
  )
  t.match(problem(JSON.parse('{"name":"a","__proto__":1}')), { field: '__proto__' })
  t.match(problem({ name: 'a', constructor: 1 }), { field: 'constructor' })
})

t.test('nothing of what was given is in the verdict', async (t) => {
  t.notMatch(JSON.stringify(problem({ name: 'a', size: 'secret' })), /secret/)
})

t.test('whole numbers have limits, both allowed', async (t) => {
  const codec = In.integer(1, 3)
  for (const n of [1, 2, 3]) t.equal(codec.is(n), true)
  for (const n of [0, 4, 1.5, NaN, Infinity, -1, '1', 1n, null]) t.equal(codec.is(n), false)
  t.equal(In.integer(0).is(Number.MAX_SAFE_INTEGER), true)
  t.equal(In.integer(0).is(Number.MAX_SAFE_INTEGER + 1), false)
  t.equal(In.integer(5).name, 'a whole number, at least 5')
})

t.test('a refinement has words of its own, after those of what it refines', async (t) => {
  const even = In.refined(In.integer(0), 'an even number', (n) => n % 2 === 0)
  const expected = (u: unknown) => {
    const judged = even.decode(u)
    return E.isLeft(judged) ? In.firstProblem(judged.left).message : undefined
  }
  t.equal(expected(2), undefined)
  t.equal(expected(3), 'an even number')
  t.equal(expected('x'), 'a whole number, at least 0')
  t.equal(even.is(4), true)
  t.equal(even.is(5), false)
})

t.test('one of a few words, no others', async (t) => {
  const codec = In.oneOf('COPY', 'REPLACED')
  t.same(codec.decode('COPY'), E.right('COPY'))
  t.match(codec.decode('copy'), { left: [{ message: 'one of COPY, REPLACED' }] })
  t.equal(codec.is('toString'), false)
})

t.test('a header carries no line breaks, no control characters, nothing above U+00FF', async (t) => {
  for (const text of ['', 'a b\tc', '\u00e9\u00ff', '"quoted"'])
    t.equal(In.headerValue.is(text), true, JSON.stringify(text))
  for (const text of ['a\r\nb', '\n', '\0', '\u007f', '\u001b', '腾', '\ud800']) {
    t.equal(In.headerValue.is(text), false, JSON.stringify(text))
  }
})

t.test('true, false, dates and text are themselves alone', async (t) => {
  t.same([true, false, 'true', 0, null].map(In.boolean.is), [true, true, false, false, false])
  t.same([new Date(0), new Date(''), '2024', 0].map(In.date.is), [true, false, false, false])
  t.same(['', 'a', 1].map(In.text.is), [true, true, false])
  t.same(['', 'a', 1].map(In.nonEmpty.is), [false, true, false])
})

t.test('what is undefined is taken out, and what is null or empty is not', async (t) => {
  t.strictSame(In.defined({ a: 1, b: undefined, c: null, d: '' }), { a: 1, c: null, d: '' })
})

t.test('a misfit without a verdict is still something', async (t) => {
  t.same(In.firstProblem([]), { field: '', expected: 'something else' })
})
