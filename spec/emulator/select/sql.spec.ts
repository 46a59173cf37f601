/** Parsing of SQL. Its evaluation is in run.spec.ts. */
import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import t from 'tap'
import { sqlReader } from '../../../lib/emulator/select/sql.js'
import { processorTime } from '../../support/processor-time.js'
import { readSql } from '../../support/select.js'

t.test('names keep their case and their length', async (t) => {
  const long = 'Column'.repeat(20)
  const sql = `SELECT s.${long}, s."a""B" AS Total, NAME AS name, s.x[0].Y FROM COSObject[*].Rows[*] S`
  t.match(readSql(sql), {
    right: {
      columns: [
        { name: long, expression: { steps: [{ name: long, exact: false }] } },
        { name: 'Total', expression: { steps: [{ name: 'a"B', exact: true }] } },
        { name: 'name', expression: { steps: [{ name: 'NAME' }] } },
        { name: 'Y', expression: { steps: [{ name: 'x' }, { index: 0 }, { name: 'Y' }] } }
      ],
      from: [{ name: 'Rows', exact: false }, { every: 'element' }]
    }
  })
})

t.test('invalid SQL fails with a message', async (t) => {
  for (const [sql, words] of [
    ['SELECT _1 FROM COSObject ORDER BY _1', 'ORDER BY is not supported'],
    ['SELECT _1 FROM COSObject GROUP BY _1', 'GROUP BY is not supported'],
    ['SELECT md5(_1) FROM COSObject', 'the function md5 is not supported'],
    ['SELECT CAST(_1 AS TEXT) FROM COSObject', 'a CAST to text is not supported'],
    ['SELEC _1 FROM COSObject', 'syntax error at or near "SELEC"'],
    ['SELECT _1::int FROM COSObject', 'unexpected ::'],
    ['SELECT 1', 'FROM is missing'],
    ["SELECT 'x FROM COSObject", 'not SQL']
  ] as const)
    t.same(readSql(sql), E.left(words), sql)
})

t.test('hostile SQL fails quickly, and the next query is parsed', async (t) => {
  for (const sql of [
    `SELECT ${'('.repeat(3000)}1${')'.repeat(900)} FROM COSObject`,
    `SELECT ${'NOT '.repeat(3900)}TRUE FROM COSObject`,
    `SELECT 1${' + 1'.repeat(1900)} FROM COSObject`,
    `SELECT ${'CASE WHEN TRUE THEN '.repeat(900)}1${' END'.repeat(300)} FROM COSObject`,
    `SELECT ${'a.b['.repeat(900)}1${']'.repeat(300)} FROM COSObject`,
    `SELECT 1 FROM ${'(SELECT 1 FROM '.repeat(900)}COSObject`,
    `SELECT 1 FROM COSObject${'[*]'.repeat(1300)}`,
    `SELECT ${'"'.repeat(60_001)} FROM COSObject`,
    `SELECT /*${'/*'.repeat(30_000)} FROM COSObject`
  ]) {
    const before = processorTime()
    const read = readSql(sql)
    t.ok(processorTime() - before < 2000, sql.slice(0, 30))
    if (!sql.includes('[*]')) t.ok(E.isLeft(read), sql.slice(0, 30))
  }
  t.ok(E.isRight(readSql('SELECT 1 FROM COSObject')))
})

t.test('any text is a query or a message', async () => {
  const word = fc.constantFrom(
    ...[
      'SELECT',
      'FROM',
      'COSObject',
      'WHERE',
      'LIMIT',
      'AS',
      's',
      '_1',
      '"a"',
      "'b'",
      '1',
      '2.5',
      '(',
      ')',
      '[',
      ']'
    ],
    ...[
      '*',
      '.',
      ',',
      '+',
      '-',
      'AND',
      'NOT',
      'IN',
      'LIKE',
      'IS',
      'NULL',
      'CAST',
      'INT',
      'COUNT',
      'CASE',
      'END',
      ';'
    ]
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 4 })), { maxLength: 14 }), (words) => {
      for (const sql of [words.join(' '), `SELECT ${words.join(' ')} FROM COSObject`]) {
        const read = readSql(sql)
        if (E.isLeft(read) && read.left === '') return false
      }
      return true
    }),
    { numRuns: 1000, seed: 20250101 }
  )
})

t.test('sqlReader returns the error of import() if the parser is not installed', async (t) => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  t.same(await sqlReader(() => Promise.reject(missing))(), E.left(missing))
})
