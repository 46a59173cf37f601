import fc from 'fast-check'

const surrogates = { first: 0xd800, count: 0x800 }

const codePoint = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map((n) => String.fromCodePoint(n < surrogates.first ? n : n + surrogates.count))

const namesOfObjects = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'then',
  'null'
)

/**
 * Text of any code points, no more than `maxLength` of them, and sometimes a name that every object of JavaScript has.
 *
 * The unit `binary` of fast-check generates the same, but builds a table of all code points first: 2.8 s of CPU a process.
 */
export const anyText = ({ maxLength = 10 }: { readonly maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 19, arbitrary: fc.string({ unit: codePoint, maxLength }) },
    { weight: 1, arbitrary: namesOfObjects.filter((name) => name.length <= maxLength) }
  )
