/** Queries and their results, including those that COS's documentation does not define. */
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import {
  csvInput,
  csvOutput,
  jsonInput,
  jsonOutput,
  messagesOf,
  runQuery,
  runJsonQuery,
  type QueryOutput
} from '../../support/select.js'

type Cases = Readonly<Record<string, string>>

/** The text of each query's result, or its error. */
const tell = async (t: Test, ask: (sql: string) => Promise<QueryOutput>, cases: Cases): Promise<void> => {
  for (const [sql, expected] of Object.entries(cases)) {
    const { text, error } = await ask(sql)
    t.equal(error ?? text, expected, JSON.stringify(sql).slice(0, 200))
  }
}

const people = ['1,Ann,30', '2,Bo,', '3,"Cy, Jr",4.5', '4,腾讯😀,100'].map((line) => `${line}\n`).join('')
const ofPeople = (sql: string): Promise<QueryOutput> => runQuery(sql, people)

/** The value of an expression, as CSV. */
const evaluate = (expression: string): Promise<QueryOutput> =>
  runQuery(`SELECT ${expression} FROM COSObject s LIMIT 1`, people)
const values = (t: Test, cases: Cases): Promise<void> =>
  tell(
    t,
    evaluate,
    Object.fromEntries(
      Object.entries(cases).map(([expression, text]) => [
        expression,
        text.includes(': ') ? text : `${text}\n`
      ])
    )
  )

t.test("columns are selected by number, with or without the table's name", (t) =>
  tell(t, ofPeople, {
    'SELECT * FROM COSObject': people,
    'select s.* from cosobject s;': people,
    'SELECT _1 FROM COSObject': '1\n2\n3\n4\n',
    'SELECT s._1, s._3 FROM COSObject s': '1,30\n2,\n3,4.5\n4,100\n',
    'SELECT COSObject._1 FROM COSObject LIMIT 1': '1\n',
    'SELECT S._1 FROM COSObject AS s LIMIT 1': '1\n',
    'SELECT _9, _1, _0 FROM COSObject LIMIT 1': ',1,\n',
    'SELECT _1 /* one */ FROM COSObject -- and no more\n LIMIT 1': '1\n'
  })
)

t.test('columns are selected by the names in the header line', async (t) => {
  const table = 'Id,name,Full Name,NAME\n1,a,b,c\n2,d\n'
  const queryHeaders = (sql: string) =>
    runQuery(sql, table, { input: csvInput({ header: 'USE' }), output: jsonOutput })
  await tell(t, queryHeaders, {
    'SELECT * FROM COSObject': '{"Id":"1","name":"a","Full Name":"b","NAME":"c"}\n{"Id":"2","name":"d"}\n',
    'SELECT s.id FROM COSObject s': '{"id":"1"}\n{"id":"2"}\n',
    'SELECT ID, s."Full Name", "NAME" FROM COSObject s':
      '{"ID":"1","Full Name":"b","NAME":"c"}\n{"ID":"2"}\n',
    'SELECT s._2, "id" FROM COSObject s': '{"_2":"a"}\n{"_2":"d"}\n',
    'SELECT s.name FROM COSObject s':
      'AmbiguousFieldName: name is the name of more than one field; put it in double quotes.',
    [`SELECT s.id AS Key, 'x' AS "K""ey", s.id || 'x', Count FROM COSObject s LIMIT 1`]:
      '{"Key":"1","K\\"ey":"x","_3":"1x"}\n'
  })
  const csv = (header: 'NONE' | 'USE' | 'IGNORE') =>
    runQuery('SELECT * FROM COSObject', table, { input: csvInput({ header }) })
  t.equal((await csv('NONE')).text, table)
  t.equal((await csv('USE')).text, '1,a,b,c\n2,d\n')
  t.equal((await csv('IGNORE')).text, '1,a,b,c\n2,d\n')
  const ignored = await runQuery('SELECT Id, _1 FROM COSObject', table, {
    input: csvInput({ header: 'IGNORE' })
  })
  t.equal(ignored.text, ',1\n,2\n')
})

t.test('WHERE selects records', (t) =>
  tell(t, (sql) => ofPeople(`SELECT _1 FROM COSObject s WHERE ${sql}`), {
    // Text compared with a number is a number, as in the sample of COS's page.
    "s._3 <> '' AND s._3 > 29": '1\n4\n',
    "s._3 = '30'": '1\n',
    's._1 = 3.0': '3\n',
    "_2 = 'Bo' OR _2 = 'Ann'": '1\n2\n',
    "NOT (_2 = 'Bo' OR _2 = 'Ann')": '3\n4\n',
    '_1 IN (1, 4)': '1\n4\n',
    "_1 NOT IN ('1', '4')": '2\n3\n',
    '_1 BETWEEN 2 AND 3': '2\n3\n',
    '_1 NOT BETWEEN 2 AND 3': '1\n4\n',
    '_1 <= 2 AND _1 >= 2': '2\n',
    '_1 < 2': '1\n',
    '_1 != 2': '1\n3\n4\n',
    "_2 LIKE 'A%'": '1\n',
    "_2 LIKE '_o'": '2\n',
    "_2 LIKE '__😀'": '4\n',
    "_2 LIKE '%, J%'": '3\n',
    "_2 NOT LIKE '%n%'": '2\n3\n4\n',
    "'50%' LIKE '50!%' ESCAPE '!' AND '505' NOT LIKE '50!%' ESCAPE '!'": '1\n2\n3\n4\n',
    TRUE: '1\n2\n3\n4\n',
    FALSE: '',
    NULL: ''
  })
)

t.test('an absent column is NULL, and empty text is not', (t) =>
  tell(t, (sql) => ofPeople(`SELECT _1 FROM COSObject WHERE ${sql}`), {
    '_9 IS NULL': '1\n2\n3\n4\n',
    '_9 IS NOT NULL': '',
    '_3 IS NULL': '',
    "_3 = ''": '2\n',
    // Unknown, like its negation.
    '_9 = 1': '',
    'NOT (_9 = 1)': '',
    '_9 = 1 OR _1 = 1': '1\n',
    '_9 = 1 AND _1 = 1': '',
    'NOT (_9 = 1 AND _1 = 1)': '2\n3\n4\n',
    '_1 IN (NULL, 1)': '1\n',
    '_1 NOT IN (NULL, 1)': '',
    '_9 BETWEEN 1 AND 2': '',
    "_9 LIKE '%'": '',
    'NULLIF(_1, 1) IS NULL': '1\n'
  })
)

t.test('arithmetic operators', (t) =>
  values(t, {
    '1 + 2 * 3': '7',
    '(1 + 2) * -3': '-9',
    '7 / 2': '3',
    '-7 % 4': '-3',
    '7 / 2.0': '3.5',
    "'7' + 1": '8',
    "s._1 * '2.5'": '2.5',
    '- s._1': '-1',
    '+ 5': '5',
    '1e3': '1000',
    '0.1 + 0.2': '0.30000000000000004',
    '9223372036854775807': '9223372036854775807',
    '_9 + 1': '',
    '9223372036854775807 + 1': 'CastFailed: 9223372036854775808 is out of range.',
    '1e308 * 10': 'CastFailed: Infinity is out of range.',
    '1 / 0': 'CastFailed: a number 1 cannot be divided by zero.',
    '1 % 0.0': 'CastFailed: a number 1 cannot be divided by zero.',
    '_2 + 1': "CastFailed: 'Ann' is not a number.",
    'TRUE + 1': 'CastFailed: a boolean true is not a number.'
  })
)

t.test('text functions', (t) =>
  values(t, {
    "'a' || 'b' || 1": 'ab1',
    "'a' || NULL": '',
    "'it''s'": "it's",
    "'a\"b'": '"a""b"',
    "LOWER('ÀB') || UPPER('çd')": 'àbÇD',
    "CHAR_LENGTH('腾讯😀')": '3',
    "CHARACTER_LENGTH('')": '0',
    "SUBSTRING('123456789' FROM 2 FOR 3)": '234',
    "SUBSTRING('腾讯😀', 3)": '😀',
    "SUBSTRING('123', 0, 2)": '1',
    "SUBSTRING('123', -1)": '123',
    "SUBSTRING('123', 9)": '',
    "SUBSTRING('123', 1, -1)": 'CastFailed: The length of SUBSTRING must not be negative.',
    "'[' || TRIM('  a b ') || ']'": '[a b]',
    "TRIM(LEADING 'x' FROM 'xxaxx')": 'axx',
    "TRIM(TRAILING FROM 'a  ') || '.'": 'a.',
    "TRIM(BOTH 'xy' FROM 'xyaxyx')": 'a',
    'LOWER(NULL)': ''
  })
)

t.test('CASE, COALESCE and NULLIF', (t) =>
  values(t, {
    "CASE WHEN s._1 = 1 THEN 'one' WHEN TRUE THEN 'more' ELSE 'none' END": 'one',
    "CASE s._1 WHEN 2 THEN 'two' ELSE 'other' END": 'other',
    "CASE WHEN NULL THEN 'x' END": '',
    "COALESCE(_9, NULL, 'x', 1/0)": 'x',
    'COALESCE(_9)': '',
    "NULLIF('a', 'b')": 'a',
    'NULLIF(s._1, 1)': '',
    '1 = 1 AND 2 > 1': 'true',
    "'a' = 1": 'false',
    "'a' <> 1": 'true'
  })
)

t.test('CAST converts a value or fails with CastFailed', (t) =>
  values(t, {
    "CAST('12' AS INT)": '12',
    "CAST(' -12 ' AS INTEGER)": '-12',
    'CAST(1.9 AS INT)': '1',
    'CAST(-1.9 AS INT)': '-1',
    "CAST('0.456' AS FLOAT)": '0.456',
    "CAST('1e2' AS FLOAT)": '100',
    "CAST('123.456' AS DECIMAL)": '123.456',
    "CAST('123.456' AS DECIMAL(10,2))": '123.46',
    'CAST(5 AS NUMERIC)': '5',
    "CAST('TRUE' AS BOOL)": 'true',
    'CAST(0 AS BOOLEAN)': 'false',
    'CAST(1 AS STRING) || 1': '11',
    'CAST(NULL AS INT)': '',
    "CAST('2007-04-05T14:30Z' AS TIMESTAMP)": '2007-04-05T14:30:00Z',
    "CAST('9223372036854775807' AS INT)": '9223372036854775807',
    "CAST('9223372036854775808' AS INT)": "CastFailed: '9223372036854775808' cannot be cast to INT.",
    "CAST('1.5' AS INT)": "CastFailed: '1.5' cannot be cast to INT.",
    "CAST('' AS INT)": "CastFailed: '' cannot be cast to INT.",
    "CAST('x' AS FLOAT)": "CastFailed: 'x' cannot be cast to FLOAT.",
    "CAST('yes' AS BOOL)": "CastFailed: 'yes' cannot be cast to BOOL.",
    "CAST('2007-02-30' AS TIMESTAMP)": "CastFailed: '2007-02-30' cannot be cast to TIMESTAMP."
  })
)

t.test('values that are not comparable and conditions that are not boolean fail with ComparisonFailed', (t) =>
  tell(t, (sql) => ofPeople(`SELECT _1 FROM COSObject WHERE ${sql}`), {
    '_2 > 5': "ComparisonFailed: 'Ann' and a number 5 cannot be compared by >.",
    'TRUE < 5': 'ComparisonFailed: a boolean true and a number 5 cannot be compared by <.',
    _1: "ComparisonFailed: A condition must be true or false, not '1'.",
    "CAST('2020-01-01' AS TIMESTAMP) < 5":
      'ComparisonFailed: a timestamp 2020-01-01T00:00:00Z and a number 5 cannot be compared by <.'
  })
)

t.test('aggregates cover all records that match', (t) =>
  tell(t, ofPeople, {
    'SELECT COUNT(*) FROM COSObject': '4\n',
    'SELECT COUNT(*), COUNT(_1), COUNT(_9) FROM COSObject WHERE _1 > 1': '3,3,0\n',
    'SELECT SUM(_1), AVG(_1), MIN(_1), MAX(_1) FROM COSObject': '10,2.5,1,4\n',
    "SELECT MAX(CAST(_3 AS FLOAT)), MIN(_3) FROM COSObject WHERE _3 <> ''": '100,4.5\n',
    "SELECT SUM(_1) * 10 / COUNT(*), UPPER('x') FROM COSObject": '25,X\n',
    'SELECT COUNT(*), SUM(_1), AVG(_1), MIN(_1), MAX(_1) FROM COSObject WHERE FALSE': '0,,,,\n',
    'SELECT COUNT(*) FROM COSObject LIMIT 1': '4\n',
    'SELECT COUNT(*) FROM COSObject LIMIT 0': '',
    'SELECT SUM(_9) FROM COSObject': '\n',
    'SELECT SUM(_2) FROM COSObject': "CastFailed: 'Ann' is not a number."
  })
)

t.test('aggregate columns have names', async (t) => {
  const { text } = await runQuery('SELECT COUNT(*), MAX(_1) AS most FROM COSObject', people, {
    output: jsonOutput
  })
  t.equal(text, '{"_1":4,"most":4}\n')
})

t.test('members of JSON records are selected by path', async (t) => {
  const lines = [
    '{"id":1,"Name":"Ann","tags":["a","b"],"at":{"City":"深圳","zip":null},"ok":true}',
    '{"id":2,"name":"Bo","at":{"city":"广州"},"big":9007199254740993,"half":0.5}',
    '[7,[8]]',
    '"text"'
  ]
    .map((line) => `${line}\n`)
    .join('')
  await tell(t, (sql) => runJsonQuery(sql, lines), {
    'SELECT * FROM COSObject':
      '{"id":1,"Name":"Ann","tags":["a","b"],"at":{"City":"深圳","zip":null},"ok":true}\n' +
      '{"id":2,"name":"Bo","at":{"city":"广州"},"big":9007199254740993,"half":0.5}\n{"_1":[7,[8]]}\n{"_1":"text"}\n',
    'SELECT s.name, s.at.city FROM COSObject s LIMIT 2':
      '{"name":"Ann","city":"深圳"}\n{"name":"Bo","city":"广州"}\n',
    'SELECT s."name", s.at."City" c FROM COSObject s LIMIT 2': '{"c":"深圳"}\n{"name":"Bo"}\n',
    "SELECT s.tags[1], s['id'] FROM COSObject s WHERE s.id IS NOT NULL": '{"tags":"b","id":1}\n{"id":2}\n',
    'SELECT s.at FROM COSObject[*] s LIMIT 1': '{"at":{"City":"深圳","zip":null}}\n',
    'SELECT s.at.zip, s.at.none FROM COSObject s LIMIT 1': '{"zip":null}\n',
    'SELECT s._1[1][0] x FROM COSObject s WHERE s._1[0] = 7': '{"x":8}\n',
    'SELECT s FROM COSObject s WHERE s.id = 2':
      '{"s":{"id":2,"name":"Bo","at":{"city":"广州"},"big":9007199254740993,"half":0.5}}\n',
    'SELECT s.big + 1 AS n, s.half FROM COSObject s WHERE s.big > 9007199254740992':
      '{"n":9007199254740994,"half":0.5}\n',
    'SELECT COUNT(s.ok) FROM COSObject s WHERE s.ok = TRUE': '{"_1":1}\n',
    'SELECT id FROM COSObject WHERE at = 1': '',
    "SELECT id FROM COSObject s WHERE tags LIKE 'a'": 'ComparisonFailed: The operands of LIKE must be text.'
  })
  const csv = await runQuery('SELECT * FROM COSObject', lines, { input: jsonInput('LINES') })
  t.equal(
    csv.text,
    '1,Ann,"[""a"",""b""]","{""City"":""深圳"",""zip"":null}",true\n2,Bo,"{""city"":""广州""}",9007199254740993,0.5\n"[7,[8]]"\ntext\n'
  )
})

t.test('an unquoted name that matches two members fails with AmbiguousFieldName', (t) =>
  tell(t, (sql) => runJsonQuery(sql, '{"a":1,"A":2}\n{"a":3}\n'), {
    'SELECT "A" FROM COSObject': '{"A":2}\n{}\n',
    'SELECT a FROM COSObject':
      'AmbiguousFieldName: a is the name of more than one field; put it in double quotes.'
  })
)

t.test('a path in FROM finds the records in a document', async (t) => {
  const document = JSON.stringify(
    {
      shop: 'x',
      books: [
        { title: 'A', price: 5, by: ['p', 'q'] },
        { title: 'B', price: 7, by: [] }
      ],
      more: { m: 1, n: 2 }
    },
    null,
    2
  )
  await tell(t, (sql) => runJsonQuery(sql, `${document}\n{"books":[{"title":"C"}]}`, 'DOCUMENT'), {
    'SELECT s.shop FROM COSObject s': '{"shop":"x"}\n{}\n',
    'SELECT b.title FROM COSObject[*].books[*] b': '{"title":"A"}\n{"title":"B"}\n{"title":"C"}\n',
    'SELECT b.title FROM COSObject[*].BOOKS[*] AS b WHERE b.price > 5': '{"title":"B"}\n',
    'SELECT price FROM COSObject[*].books[*].price': '{"price":5}\n{"price":7}\n{}\n',
    'SELECT _1.title FROM COSObject[*].books[*] LIMIT 1': '{"title":"A"}\n',
    'SELECT * FROM COSObject[*].more.* LIMIT 2': '{"_1":1}\n{"_1":2}\n',
    "SELECT * FROM COSObject[*]['books'][1].by[*]": '{}\n{}\n',
    'SELECT COUNT(*) FROM COSObject[*].books[0].by[*] w': '{"_1":3}\n',
    "SELECT EXTRACT(YEAR FROM CAST('2020-01-01' AS TIMESTAMP)) y FROM COSObject[*].shop LIMIT 1":
      '{"y":2020}\n'
  })
  const list = await runJsonQuery(
    'SELECT x.n FROM COSObject[*][*] x WHERE x.n > 1',
    '[{"n":1},{"n":2},{"n":3}]',
    'DOCUMENT'
  )
  t.equal(list.text, '{"n":2}\n{"n":3}\n')
})

t.test('SQL that COS lacks fails with SQLParsingError', (t) =>
  tell(
    t,
    async (sql) => {
      const { error = '', text } = await ofPeople(sql)
      return { text: text + error.replace(/^(SQLParsingError): .*/s, '$1'), events: [] }
    },
    Object.fromEntries(
      [
        'SELECT',
        'SELECT * COSObject',
        'SELECT * FROM',
        'SELECT 1',
        "SELECT 'abc FROM COSObject",
        'SELECT FROM COSObject',
        'SELECT *, _1 FROM COSObject',
        'SELECT _1, s.* FROM COSObject s',
        'SELECT * FROM other',
        'SELECT * FROM COSObject.books',
        'SELECT * FROM COSObject a, COSObject b',
        'SELECT * FROM COSObject a JOIN COSObject b ON TRUE',
        'SELECT * FROM (SELECT * FROM COSObject) s',
        'SELECT * FROM COSObject s (a, b)',
        'SELECT * FROM COSObject[0]',
        'SELECT * FROM COSObject[*].a[',
        'SELECT * FROM COSObject WHERE _1 IN (SELECT _1 FROM COSObject)',
        'SELECT _1 FROM COSObject GROUP BY _1',
        'SELECT _1 FROM COSObject ORDER BY _1',
        'SELECT COUNT(*) FROM COSObject HAVING TRUE',
        'SELECT DISTINCT _1 FROM COSObject',
        'SELECT COUNT(DISTINCT _1) FROM COSObject',
        'SELECT _1 FROM COSObject UNION SELECT _1 FROM COSObject',
        'WITH x AS (SELECT 1) SELECT * FROM COSObject',
        'SELECT _1 FROM COSObject LIMIT 1 OFFSET 1',
        'SELECT _1 FROM COSObject LIMIT -1',
        'SELECT _1 FROM COSObject LIMIT 1.5',
        'SELECT _1 FROM COSObject LIMIT ALL',
        'SELECT _1 FROM COSObject; SELECT _1 FROM COSObject',
        'DELETE FROM COSObject',
        'SELECT COUNT(*), _1 FROM COSObject',
        'SELECT SUM(COUNT(*)) FROM COSObject',
        'SELECT SUM(*) FROM COSObject',
        'SELECT _1 FROM COSObject WHERE COUNT(*) > 1',
        'SELECT COUNT(*) OVER () FROM COSObject',
        'SELECT md5(_1) FROM COSObject',
        'SELECT lower(_1, _2) FROM COSObject',
        'SELECT ltrim(_1) FROM COSObject',
        'SELECT pg_sleep(9) FROM COSObject',
        'SELECT CAST(_1 AS TEXT) FROM COSObject',
        'SELECT CAST(_1 AS INT[]) FROM COSObject',
        'SELECT CAST(_1 AS DECIMAL(50)) FROM COSObject',
        'SELECT _1::int FROM COSObject',
        'SELECT $1 FROM COSObject',
        "SELECT E'a' FROM COSObject",
        'SELECT _1 FROM COSObject WHERE _1 ILIKE _2',
        'SELECT _1 FROM COSObject WHERE _1 ~ _2',
        'SELECT _1 FROM COSObject WHERE _1 == 1',
        'SELECT (s._1)._2 FROM COSObject s',
        'SELECT s.a[1:2] FROM COSObject s',
        'SELECT s.a[s._1] FROM COSObject s',
        'SELECT s.a[*] FROM COSObject s',
        'SELECT CURRENT_TIMESTAMP FROM COSObject',
        "SELECT _1 FROM COSObject WHERE _1 LIKE 'a!' ESCAPE '!'",
        "SELECT _1 FROM COSObject WHERE _1 LIKE 'a' ESCAPE 'ab'",
        `SELECT 1${'+1'.repeat(500)} FROM COSObject`,
        `SELECT ${'('.repeat(50_000)}1`,
        `SELECT _1 FROM COSObject WHERE _1 IN (${'1,'.repeat(5000)}1)`,
        `SELECT '${'x'.repeat(70_000)}' FROM COSObject`,
        'SELECT _1 FROM COSObject \0'
      ].map((sql) => [sql, 'SQLParsingError'])
    )
  )
)

t.test('CSV is read as its InputSerialization specifies', async (t) => {
  const all = (data: string | Uint8Array, changes: Parameters<typeof csvInput>[0] = {}) =>
    runQuery('SELECT _2 FROM COSObject', data, { input: csvInput(changes), output: jsonOutput })
  const is = async (expected: string, output: Promise<QueryOutput>, words: string) =>
    t.equal(await output.then(({ text, error }) => error ?? text), expected, words)
  await is('{"_2":"b\\r"}\n', all('a,b\r\n'), 'a carriage return is an ordinary character')
  await is(
    '{"_2":"b"}\n',
    all('a,b\r\n', { recordDelimiter: '\r\n' }),
    'a carriage return as part of the delimiter'
  )
  const queryColumns = (name: string, changes: Parameters<typeof csvInput>[0] = {}) =>
    runQuery(`SELECT ${name} AS x FROM COSObject`, 'a,b\r\n1,2\r\n', {
      input: csvInput({ header: 'USE', ...changes }),
      output: jsonOutput
    })
  await is('{"x":"2\\r"}\n', queryColumns('"b\r"'), 'a carriage return belongs to the last name of a header')
  await is('{}\n', queryColumns('b'), 'so the name without it is no column')
  await is(
    '{"x":"2"}\n',
    queryColumns('b', { recordDelimiter: '\r\n' }),
    'with CRLF as delimiter the name is whole'
  )
  await is('{"_2":"b"}\n{}\n', all('#x,"\na,b\n \n'), 'comments are skipped, blank lines are records')
  await is('{"_2":"b,\\"c\\""}\n', all('a,"b,""c"""\n'), 'quotes')
  await is(
    '{"_2":"b;\'"}\n',
    all("a;'b;|''\n", { fieldDelimiter: ';', quoteCharacter: "'", quoteEscapeCharacter: '|' }),
    'an escape'
  )
  await is('{"_2":"b\\nc"}\n', all('a,"b\nc"\n', { allowQuotedRecordDelimiter: true }), 'a quoted delimiter')
  await is(
    'CSVParsingError: A record delimiter is in quotes, and AllowQuotedRecordDelimiter is FALSE.',
    all('a,"b\nc"\n'),
    'a quoted delimiter that is not allowed'
  )
  await is('{"_2":"b"}\n', all('\uFEFFa,b'), 'a byte order mark, and no delimiter at the end')
  await is('', all(''), 'nothing')
  t.match(await all('a,"b"c\n'), { error: /^CSVParsingError: / })
  t.match(await all('a,"b'), {
    error: 'LastRecordParseFail: The last record is incomplete: the data end within a quoted field.'
  })
  t.match(await all(Buffer.from([0x61, 0xff])), { error: 'InvalidTextEncoding: The object is not UTF-8.' })
  t.match(await all(`a,b\n"${'x'.repeat(1024 * 1024)}"\n`), {
    text: '{"_2":"b"}\n',
    error: 'OverMaxRecordSize: The length of a record is greater than 1 MB.'
  })
})

t.test('invalid JSON fails with JSONParsingError', async (t) => {
  const outputOf = async (data: string | Uint8Array, type: 'LINES' | 'DOCUMENT' = 'LINES') => {
    const { text, error } = await runJsonQuery('SELECT s.a FROM COSObject s', data, type)
    return `${text}${error ?? ''}`
  }
  t.equal(await outputOf('{"a":1}\n\n \r\n{"a":2}'), '{"a":1}\n{"a":2}\n', 'empty lines are skipped')
  t.equal(await outputOf('{"a":1}\n{"a":\n2}\n'), '{"a":1}\nJSONParsingError: Invalid JSON: {"a":')
  t.equal(
    await outputOf('{"a":1}\n{"a":'),
    '{"a":1}\nLastRecordParseFail: The last record is incomplete: {"a":.'
  )
  t.equal(await outputOf('{"a":1}\nx', 'DOCUMENT'), '{"a":1}\nJSONParsingError: Invalid JSON: x')
  t.equal(
    await outputOf('{"a":1}{"a":', 'DOCUMENT'),
    '{"a":1}\nLastRecordParseFail: The last record is incomplete: the data end within a JSON value.'
  )
  for (const type of ['LINES', 'DOCUMENT'] as const) {
    t.match(await outputOf(Buffer.from([0x22, 0xff, 0x22, 0x0a]), type), /^InvalidTextEncoding/)
    t.match(await outputOf(`"${'x'.repeat(1024 * 1024)}"\n`, type), /^OverMaxRecordSize/)
    t.match(
      await outputOf(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`, type),
      /^JSONParsingError: A record is nested too deeply/
    )
  }
  const wide = `[${Array.from({ length: 30_000 }, (_, n) => `{"a":"${String(n).padStart(60)}"}`).join()}]`
  const { stats } = await runJsonQuery(
    'SELECT x.a FROM COSObject[*][*] x WHERE x.a = 29999',
    wide,
    'DOCUMENT'
  )
  t.match(stats, { bytesProcessed: wide.length, bytesReturned: 69 }, 'a long list is read element by element')
})

t.test('GZIP objects are decompressed; BytesScanned and BytesProcessed differ', async (t) => {
  const plain = people.repeat(1000)
  const packed = gzipSync(plain)
  const gzip = csvInput({ gzip: true })
  const { text, stats } = await runQuery('SELECT COUNT(*) FROM COSObject', packed, { input: gzip })
  t.equal(text, '4000\n')
  t.same(stats, { bytesScanned: packed.length, bytesProcessed: Buffer.byteLength(plain), bytesReturned: 5 })
  const twice = await runQuery('SELECT COUNT(*) FROM COSObject', Buffer.concat([packed, packed]), {
    input: gzip
  })
  t.equal(twice.text, '8000\n', 'concatenated GZIP files')
  for (const broken of [Buffer.from(people), packed.subarray(0, 100), packed.subarray(0, -4)]) {
    const { error } = await runQuery('SELECT COUNT(*) FROM COSObject', broken, { input: gzip })
    t.equal(error, 'GzipDecompressError: The object is not GZIP, or is truncated.')
  }
  const lines = await runQuery('SELECT s.a FROM COSObject s', gzipSync('{"a":1}\n'), {
    input: jsonInput('LINES', true)
  })
  t.equal(lines.text, '1\n')
})

t.test('results are written as OutputSerialization specifies', async (t) => {
  const sql = `SELECT 'a,b', 'c"d', 'e\nf', 'g;h', '', 'i' FROM COSObject LIMIT 1`
  const textOf = async (output: Parameters<typeof csvOutput>[0]) =>
    (await runQuery(sql, people, { output: csvOutput(output) })).text
  t.equal(await textOf({}), '"a,b","c""d","e\nf",g;h,,i\n')
  t.equal(await textOf({ quoteAll: true }), '"a,b","c""d","e\nf","g;h","","i"\n')
  t.equal(await textOf({ fieldDelimiter: ';', recordDelimiter: '\r\n' }), 'a,b;"c""d";"e\nf";"g;h";;i\r\n')
  t.equal(await textOf({ quoteCharacter: "'", quoteEscapeCharacter: '\\' }), "'a,b',c\"d,'e\nf',g;h,,i\n")
  const quoted = await runQuery("SELECT 'it''s \\' FROM COSObject LIMIT 1", people, {
    output: csvOutput({ quoteCharacter: "'", quoteEscapeCharacter: '\\' })
  })
  t.equal(quoted.text, "'it\\'s \\\\'\n")
  const json = await runQuery('SELECT 1, NULL, _9, TRUE, 0.5 FROM COSObject LIMIT 2', people, {
    output: { _tag: 'Json', recordDelimiter: ';' }
  })
  t.equal(json.text, '{"_1":1,"_2":null,"_4":true,"_5":0.5};{"_1":1,"_2":null,"_4":true,"_5":0.5};')
  const long = await runQuery('SELECT _1 || _1 FROM COSObject', 'x'.repeat(600 * 1024))
  t.match(long, { text: '', error: 'OverMaxRecordSize: The length of a result is greater than 1 MB.' })
})

// -- messages --
/** Chunks of 64 KiB, with a count of the chunks read and whether the source was closed. */
const createWatched = (chunks: number, line: string) => {
  const chunk = Buffer.from(line.repeat(Math.floor(65_536 / line.length)))
  const seen = { taken: 0, closed: false }
  const source = async function* () {
    try {
      for (; seen.taken < chunks;) {
        seen.taken += 1
        yield chunk
      }
    } finally {
      seen.closed = true
    }
  }
  return { source, seen, size: chunk.length }
}

const line = '0123456789,abcdefghijklmnopqrs\n'

t.test('the messages are Records of up to 64 KiB, then Stats and End', async (t) => {
  const { events } = await runQuery('SELECT * FROM COSObject', people)
  t.same(
    events.map(({ _tag }) => _tag),
    ['Records', 'Stats', 'End']
  )
  const { source, size } = createWatched(5, line)
  const output = await runQuery('SELECT * FROM COSObject', source)
  const sizes = output.events.flatMap((event) => (event._tag === 'Records' ? [event.bytes.length] : []))
  t.same(
    sizes,
    [65_536, 65_536, 65_536, 65_536, 5 * size - 4 * 65_536],
    'the size of messages does not depend on records'
  )
  t.equal(output.text, line.repeat((5 * size) / line.length))
  const none = await runQuery('SELECT * FROM COSObject WHERE FALSE', people)
  t.same(
    none.events.map(({ _tag }) => _tag),
    ['Stats', 'End']
  )
})

t.test('a long query sends Cont, and Progress if it is enabled', async (t) => {
  const { source, size } = createWatched(40, line)
  const silent = await runQuery('SELECT * FROM COSObject WHERE FALSE', source)
  t.same(
    silent.events.map(({ _tag }) => _tag),
    ['Cont', 'Cont', 'Stats', 'End']
  )
  const requested = await runQuery('SELECT COUNT(*) FROM COSObject', createWatched(40, line).source, {
    progress: true
  })
  t.same(
    requested.events.map(({ _tag }) => _tag),
    ['Cont', 'Progress', 'Cont', 'Progress', 'Records', 'Progress', 'Stats', 'End']
  )
  const read = requested.events.flatMap((event) =>
    event._tag === 'Progress' ? [event.stats.bytesProcessed] : []
  )
  t.same(read, [17 * size, 34 * size, 40 * size])
})

t.test('LIMIT stops reading the object', async (t) => {
  const { source, seen, size } = createWatched(1000, line)
  const { text, stats } = await runQuery('SELECT * FROM COSObject LIMIT 3', source)
  t.equal(text, line.repeat(3))
  t.same(seen, { taken: 1, closed: true })
  t.match(stats, { bytesScanned: size })
  const none = createWatched(1, line)
  t.equal((await runQuery('SELECT * FROM COSObject LIMIT 0', none.source)).text, '')
  t.equal(none.seen.taken, 0)
})

t.test('a paused consumer pauses the source, and one that stops closes it', async (t) => {
  const { source, seen } = createWatched(1000, line)
  const messages = messagesOf('SELECT * FROM COSObject', source)
  await messages.next()
  t.ok(seen.taken <= 2, `${String(seen.taken)} chunks were read for the first message`)
  await messages.next()
  t.ok(seen.taken <= 3)
  await messages.return(undefined)
  t.ok(seen.closed)
})

t.test('an error of the source is thrown, not sent as a message', async (t) => {
  for (const gzip of [false, true])
    await t.rejects(
      runQuery(
        'SELECT * FROM COSObject',
        async function* () {
          yield gzip ? gzipSync(people).subarray(0, 5) : Buffer.from(people)
          throw new Error('disk')
        },
        { input: csvInput({ gzip }) }
      ),
      { message: 'disk' }
    )
})

t.test('records found before an error are sent before it', async (t) => {
  const { text, error, events } = await runQuery('SELECT CAST(_1 AS INT) FROM COSObject', '1\n2\nx\n4\n')
  t.equal(text, '1\n2\n')
  t.equal(error, "CastFailed: 'x' cannot be cast to INT.")
  t.same(
    events.map(({ _tag }) => _tag),
    ['Records', 'Error']
  )
})

t.test("UTCNOW returns the emulator's time", async (t) => {
  const now = Date.UTC(2024, 1, 29, 12, 30, 15, 250)
  t.equal(
    (await runQuery('SELECT UTCNOW() FROM COSObject LIMIT 1', people, { now })).text,
    '2024-02-29T12:30:15.250Z\n'
  )
})
