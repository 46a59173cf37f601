/** Select rows from an emulator over HTTP: values, failures, and closing. */
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as it from 'io-ts'
import t, { type Test } from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { script, type EmulatorOptions, type Fault } from '../../../lib/emulator/index.js'
import { putObject } from '../../../lib/operations/put-object.js'
import {
  selectObjectContent,
  type SelectObjectContentInput
} from '../../../lib/operations/select-object-content.js'
import { selectRowsWith, selectRows } from '../../../lib/transfers/select/select-rows.js'
import { catchCosError, right } from '../../support/responses.js'
import { becomesTrue } from '../../support/wait-for.js'
import { startCos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { at } from '../../support/operations.js'
import { settlesWithin } from '../../support/settles-within.js'
import { encodeEvent, recordedMessage } from '../../support/select-messages.js'
import { startServer } from '../../support/server.js'

const people = 'id,name,born\n1,Ann,1990-01-31\n2,"Bo, Jr",\n3,腾讯😀,2001-12-01\n'

const csv = { csv: { fileHeaderInfo: 'USE' } } as const
const asJson: SelectObjectContentInput = {
  ...at,
  expression: 'SELECT CAST(s.id AS INT) AS id, s.name FROM COSObject s',
  inputSerialization: csv,
  outputSerialization: { json: {} }
}
const asCsv: SelectObjectContentInput = {
  ...asJson,
  expression: 'SELECT s.id, s.name FROM COSObject s',
  outputSerialization: { csv: {} }
}

const Person = it.type({ id: it.number, name: it.string })
const expected = [
  { id: 1, name: 'Ann' },
  { id: 2, name: 'Bo, Jr' },
  { id: 3, name: '腾讯😀' }
]

const start = async (t: Test, body: string | Uint8Array = people, options: EmulatorOptions = {}) => {
  const cos = await startCos(t, options)
  const client = cos.client()
  right(await send(putObject({ ...at, body }))(client)())
  return { ...cos, client }
}

const rowsOf =
  (client: Client) =>
  (input: SelectObjectContentInput): Promise<ReadonlyArray<it.TypeOf<typeof Person>>> =>
    pipe(
      send(selectObjectContent(input)),
      RTE.map(selectRows(Person)),
      RTE.chainTaskEitherK(({ rows }) => TE.fromTask(() => toArray(rows)))
    )(client)().then(right)

t.test('selectRows decodes each JSON row with the codec', async (t) => {
  const { client } = await start(t)
  t.same(await rowsOf(client)(asJson), expected)
  t.same(
    await rowsOf(client)({ ...asJson, outputSerialization: { json: { recordDelimiter: ',' } } }),
    expected
  )
  t.same(await rowsOf(client)({ ...asJson, expression: `${asJson.expression} WHERE FALSE` }), [])
  t.same(
    await rowsOf(client)({ ...asJson, expression: `${asJson.expression} LIMIT 1` }),
    expected.slice(0, 1)
  )
})

t.test('selectRows yields CSV rows as arrays, or as objects if columns are named', async (t) => {
  const { client } = await start(t)
  const pair = it.tuple([it.string, it.string])
  for (const csvLayout of [
    {},
    { recordDelimiter: '\r\n', fieldDelimiter: ';', quoteFields: 'ALWAYS' } as const
  ]) {
    const selected = right(
      await send(selectObjectContent({ ...asCsv, outputSerialization: { csv: csvLayout } }))(client)()
    )
    t.same(
      await toArray(selectRows(pair)(selected).rows),
      expected.map(({ id, name }) => [String(id), name])
    )
  }
  const named = right(await send(selectObjectContent(asCsv))(client)())
  const Texts = it.type({ id: it.string, name: it.string })
  t.same(
    await toArray(selectRows(Texts, { columns: ['id', 'name'] })(named).rows),
    expected.map(({ id, name }) => ({ id: String(id), name }))
  )
  const wide = right(await send(selectObjectContent(asCsv))(client)())
  t.match(await catchCosError(toArray(selectRows(Texts, { columns: ['id'] })(wide).rows)), {
    _tag: 'DecodeError',
    problems: ['row 1: 2 fields for 1 columns']
  })
})

t.test('a row that does not match the codec fails with a DecodeError that names row and field', async (t) => {
  const { client, operations } = await start(t)
  const selected = right(await send(selectObjectContent(asJson))(client)())
  const rows = selectRows(it.type({ id: it.Integer, name: it.keyof({ Ann: null }) }))(selected).rows
  const given: Array<unknown> = []
  const error = await catchCosError(
    (async () => {
      for await (const row of rows) given.push(row)
    })()
  )
  t.same(given, [{ id: 1, name: 'Ann' }])
  t.match(error, {
    _tag: 'DecodeError',
    context: { operation: 'SelectObjectContent', ...at, key: O.some(at.key), attempts: 1 },
    problems: ['row 2: name: must be "Ann"'],
    requestId: /./
  })
  t.ok(selected.records.destroyed)
  t.equal(operations().filter((operation) => operation === 'SelectObjectContent').length, 1)
})

t.test('integers beyond 2^53 become bigint and are never rounded', async (t) => {
  const { client } = await start(t, '9007199254740993\n')
  const input: SelectObjectContentInput = {
    ...asJson,
    expression: 'SELECT CAST(_1 AS INT) AS n FROM COSObject',
    inputSerialization: { csv: {} }
  }
  const rows = async <A>(codec: it.Type<A>) =>
    toArray(selectRows(it.type({ n: codec }))(right(await send(selectObjectContent(input))(client)())).rows)
  t.same(await rows(it.bigint), [{ n: 9007199254740993n }])
  t.match(await catchCosError(rows(it.number)), { problems: ['row 1: n: must be number'] })
})

t.test('rows, progress and stats of selectRows can be read', async (t) => {
  const { client } = await start(t, gzipSync(people))
  const selected = right(
    await send(
      selectObjectContent({
        ...asJson,
        inputSerialization: { ...csv, compressionType: 'GZIP' },
        requestProgress: { enabled: true }
      })
    )(client)()
  )
  const { rows, progress, stats, requestId, layout } = selectRows(Person)(selected)
  t.same(progress(), O.none)
  t.same(layout, { json: {} })
  t.ok(requestId)
  t.same(await toArray(rows), expected)
  const totals = {
    bytesScanned: gzipSync(people).length,
    bytesProcessed: Buffer.byteLength(people),
    bytesReturned: Buffer.byteLength(expected.map((row) => `${JSON.stringify(row)}\n`).join(''))
  }
  t.same(progress(), O.some(totals))
  t.same(right(await stats()), O.some(totals))
})

t.test('a query that fails half way fails the rows and the stats', async (t) => {
  const { client } = await start(t, '1\n2\nx\n')
  const input: SelectObjectContentInput = {
    ...asJson,
    expression: 'SELECT CAST(_1 AS INT) AS id, _1 AS name FROM COSObject',
    inputSerialization: { csv: {} }
  }
  const { rows, stats } = selectRows(Person)(right(await send(selectObjectContent(input))(client)()))
  const castFailed = {
    _tag: 'ServiceError',
    status: 200,
    code: 'CastFailed',
    message: "'x' cannot be cast to INT."
  }
  t.match(await catchCosError(toArray(rows)), castFailed)
  t.match(await stats(), { left: castFailed })
})

// -- broken streams --
const faulty = (t: Test, fault: Fault) =>
  start(t, people, { fault: script([{ operation: 'SelectObjectContent', fault }]) })

t.test('the rows do not depend on chunking: the body arrives byte by byte', async (t) => {
  const { client } = await faulty(t, { dribble: { size: 1, pause: 0 } })
  t.same(await rowsOf(client)(asJson), expected)
})

t.test('a body cut at any byte fails with a TransportError before the last row', async (t) => {
  let cut = 0
  const { client, emulator } = await start(t, people, {
    fault: ({ operation }) =>
      operation === 'SelectObjectContent' && cut >= 0
        ? { shorten: cut, headers: { 'content-length': null } }
        : undefined
  })
  cut = -1
  t.same(await rowsOf(client)(asJson), expected)
  const size = emulator.requests().at(-1)?.bytesOut ?? 0
  t.ok(size > 300)
  const counts = new Set<number>()
  // spec/core/event-stream.spec.ts cuts after each byte. A sample is enough here, denser around the last message.
  for (cut = 0; cut < size; cut += cut < size - 60 ? 7 : 2) {
    const given: Array<unknown> = []
    const selected = right(await send(selectObjectContent(asJson))(client)())
    const error = await catchCosError(
      (async () => {
        for await (const row of selectRows(Person)(selected).rows) given.push(row)
      })()
    )
    if (error._tag !== 'TransportError') t.fail(`${error._tag} after ${String(cut)} bytes`)
    counts.add(given.length)
  }
  t.same([...counts], [0, 2], 'two of three rows once their message was complete, never the last')
})

t.test('records without an End message fail with IncompleteResponse', async (t) => {
  const server = await startServer(t, (_, response) => {
    response.end(
      Buffer.concat([
        encodeEvent('Records', '{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'),
        recordedMessage('Stats')
      ])
    )
  })
  const { rows } = selectRows(Person)(right(await send(selectObjectContent(asJson))(server.client())()))
  t.same((await rows.next()).value, { id: 1, name: 'a' })
  t.match(await catchCosError(rows.next()), { _tag: 'TransportError', code: 'IncompleteResponse' })
  t.same(await rows.next(), { done: true, value: undefined })
})

t.test('a row may span messages that split a character', async (t) => {
  const bytes = Buffer.from('{"id":1,"name":"腾讯😀"}\n')
  for (const [name, chunks] of [
    ['one message for each byte', Array.from(bytes, (byte) => Uint8Array.of(byte))],
    ['with Cont messages between', Array.from(bytes, (byte) => Uint8Array.of(byte))]
  ] as const) {
    const cont = name.startsWith('with') ? [recordedMessage('Cont')] : []
    const server = await startServer(t, (_, response) => {
      response.end(
        Buffer.concat([
          ...chunks.flatMap((chunk) => [encodeEvent('Records', chunk), ...cont]),
          recordedMessage('End')
        ])
      )
    })
    t.same(await rowsOf(server.client())(asJson), [{ id: 1, name: '腾讯😀' }], name)
  }
})

// -- a reader that stops --
/** 100 rows of which the query makes 20 MB: more than sockets buffer. */
const long = `${'x'.repeat(50_000)}\n`.repeat(100)
const longInput: SelectObjectContentInput = {
  ...asJson,
  expression: 'SELECT _1 AS name, _1 AS b, _1 AS c, _1 AS d FROM COSObject',
  inputSerialization: { csv: {} }
}
const Long = it.type({ name: it.string })

t.test(
  'a reader that stops closes the request: by break, return, return before reading, or abort',
  async (t) => {
    const { client, emulator } = await start(t, long)
    for (const leave of ['break', 'return', 'unread', 'abort'] as const) {
      const controller = new AbortController()
      const selected = right(
        await withSignal(controller.signal)(send(selectObjectContent(longInput)))(client)()
      )
      const { rows, stats } = selectRows(Long)(selected)
      if (leave === 'break') for await (const row of rows) if (row.name.length > 0) break
      if (leave === 'return') {
        await rows.next()
        t.same(await rows.return(), { done: true, value: undefined })
      }
      if (leave === 'unread') await rows.return()
      if (leave === 'abort') {
        await rows.next()
        controller.abort('enough')
        t.match(await catchCosError(toArray(rows)), { _tag: 'Aborted', reason: 'enough' })
      } else {
        t.same(right(await stats()), O.none, leave)
        t.same(await rows.next(), { done: true, value: undefined }, leave)
      }
      t.ok(selected.records.destroyed, leave)
    }
    // undici keeps one connection ready and replaces one that was closed during a body.
    t.ok(await becomesTrue(() => emulator.openConnections() <= 2))
    const sent = emulator
      .requests()
      .flatMap((one) => (one.operation === 'SelectObjectContent' ? [one.bytesOut] : []))
    t.equal(sent.length, 4)
    t.ok(Math.max(...sent) < 15_000_000, `of 20 MB: ${sent.join()}`)
  }
)

t.test('return during a read of a silent stream settles within 50 ms', async (t) => {
  const server = await startServer(t, (_, response) => {
    response.write(encodeEvent('Records', '{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'))
  })
  const { rows } = selectRows(Person)(right(await send(selectObjectContent(asJson))(server.client())()))
  await rows.next()
  const waiting = rows.next()
  t.ok(await settlesWithin(50, Promise.all([waiting, rows.return()])))
  t.same(await waiting, { done: true, value: undefined })
})

t.test('a reader that pauses applies backpressure to the query', async (t) => {
  const { client, emulator } = await start(t, long)
  const { rows } = selectRows(Long)(right(await send(selectObjectContent(longInput))(client)()))
  await rows.next()
  const sent = () =>
    emulator.requests().find(({ operation }) => operation === 'SelectObjectContent')?.bytesOut ?? 0
  const isPaused = async (): Promise<boolean> => {
    const before = sent()
    await setTimeout(100)
    return before > 0 && before === sent()
  }
  t.ok(await becomesTrue(isPaused))
  t.ok(sent() < 15_000_000, String(sent()))
  t.equal((await toArray(rows)).length, 99)
})

t.test('without csv-parse, CSV rows fail with MissingPackage and JSON rows work', async (t) => {
  const { client } = await start(t)
  const cause = new Error('Cannot find package')
  const without = selectRowsWith(() => TE.left(cause))
  const selected = right(await send(selectObjectContent(asCsv))(client)())
  t.match(await catchCosError(toArray(without(it.unknown)(selected).rows)), {
    _tag: 'MissingPackage',
    name: 'csv-parse',
    cause,
    context: { operation: 'SelectObjectContent' }
  })
  t.ok(selected.records.destroyed)
  const json = right(await send(selectObjectContent(asJson))(client)())
  t.same(await toArray(without(Person)(json).rows), expected)
})
