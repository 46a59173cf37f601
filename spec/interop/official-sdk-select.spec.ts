/** Tencent's Node SDK, unmodified, queries objects of the emulator and gets the same results as cospipe. */
import { gzipSync } from 'node:zlib'
import * as it from 'io-ts'
import t, { type Test } from 'tap'
import { send } from '../../lib/client/send.js'
import {
  selectObjectContent,
  type SelectObjectContentInput
} from '../../lib/operations/select-object-content.js'
import { selectRows } from '../../lib/transfers/select/select-rows.js'
import { right } from '../support/responses.js'
import { startCos } from '../support/cos.js'
import { toArray } from '../support/iterables.js'
import { createSdk } from './create-sdk.js'

const place = { Bucket: 'examplebucket-1250000000', Region: 'ap-guangzhou' }

const start = async (t: Test) => {
  const cos = await startCos(t)
  const sdk = createSdk(cos.emulator.credentials, { Ip: cos.emulator.address })
  return { ...cos, sdk, client: cos.client() }
}

const people = 'id,name,note\n1,Ann,"a ""b"", c"\n2,腾讯,😀\n'
const lines = '{"id":1,"name":"Ann","tags":["a"]}\n{"id":2,"name":"腾讯"}\n'

interface Case {
  readonly name: string
  readonly body: string | Buffer
  readonly expression: string
  readonly theirs: Readonly<Record<string, unknown>>
  readonly ours: Pick<SelectObjectContentInput, 'inputSerialization' | 'outputSerialization'>
}

const cases: ReadonlyArray<Case> = [
  {
    name: 'CSV with a header, to JSON, as the SDK’s own demo has it',
    body: people,
    expression: 'SELECT s.id, s.note FROM COSObject s WHERE s.id > 0',
    theirs: {
      InputSerialization: {
        CompressionType: 'NONE',
        CSV: {
          FileHeaderInfo: 'USE',
          RecordDelimiter: '\\n',
          FieldDelimiter: ',',
          QuoteCharacter: '"',
          QuoteEscapeCharacter: '"',
          Comments: '#',
          AllowQuotedRecordDelimiter: 'FALSE'
        }
      },
      OutputSerialization: { JSON: { RecordDelimiter: '\\n' } }
    },
    ours: { inputSerialization: { csv: { fileHeaderInfo: 'USE' } }, outputSerialization: { json: {} } }
  },
  {
    name: 'compressed JSON lines, to CSV',
    body: gzipSync(lines),
    expression: "SELECT * FROM COSObject s WHERE s.name LIKE '%' AND s.id <= 2",
    theirs: {
      InputSerialization: { CompressionType: 'GZIP', JSON: { Type: 'LINES' } },
      OutputSerialization: { CSV: { QuoteFields: 'ALWAYS', RecordDelimiter: '\n', FieldDelimiter: ';' } }
    },
    ours: {
      inputSerialization: { json: { type: 'LINES' }, compressionType: 'GZIP' },
      outputSerialization: { csv: { quoteFields: 'ALWAYS', fieldDelimiter: ';' } }
    }
  },
  {
    name: 'a document, counted',
    body: JSON.stringify({ books: [{ price: 1 }, { price: 2 }] }),
    expression: 'SELECT COUNT(*), SUM(b.price) AS total FROM COSObject[*].books[*] b',
    theirs: {
      InputSerialization: { JSON: { Type: 'DOCUMENT' } },
      OutputSerialization: { JSON: { RecordDelimiter: '\n' } }
    },
    ours: { inputSerialization: { json: { type: 'DOCUMENT' } }, outputSerialization: { json: {} } }
  }
]

for (const { name, body, expression, theirs, ours } of cases)
  t.test(`the official SDK and cospipe return the same result: ${name}`, async (t) => {
    const { sdk, client } = await start(t)
    const Key = 'dir/a.txt'
    await sdk.putObject({ ...place, Key, Body: body })
    const input = {
      ...place,
      Key,
      SelectType: 2,
      SelectRequest: {
        Expression: expression,
        ExpressionType: 'SQL',
        ...theirs,
        RequestProgress: { Enabled: 'FALSE' }
      }
    }
    const { records, stats } = right(
      await send(selectObjectContent({ bucket: place.Bucket, key: Key, expression, ...ours }))(client)()
    )
    const found = Buffer.concat(await toArray<Uint8Array>(records))
    const totals = right(await stats())
    t.ok(found.length > 0)

    const whole = await sdk.selectObjectContent(input)
    t.equal(String(whole.Payload), String(found))
    t.match(totals, {
      value: {
        bytesScanned: Number(String(whole.Stats.BytesScanned)),
        bytesProcessed: Number(String(whole.Stats.BytesProcessed)),
        bytesReturned: found.length
      }
    })

    const stream = sdk.selectObjectContentStream(input, () => undefined) as unknown as AsyncIterable<Buffer>
    t.equal(String(Buffer.concat(await toArray(stream))), String(found), 'as a stream')
  })

t.test('an invalid query fails for both', async (t) => {
  const { sdk, client } = await start(t)
  const Key = 'a.csv'
  await sdk.putObject({ ...place, Key, Body: people })
  const Expression = 'SELECT _1 FROM COSObject ORDER BY _1'
  const SelectRequest = {
    Expression,
    ExpressionType: 'SQL',
    InputSerialization: { CSV: {} },
    OutputSerialization: { CSV: {} }
  }
  const theirs = await sdk.selectObjectContent({ ...place, Key, SelectType: 2, SelectRequest }).then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  t.match(theirs, { statusCode: 400, code: 'SQLParsingError' })
  const ours = await send(
    selectObjectContent({
      ...{ bucket: place.Bucket, key: Key, expression: Expression },
      ...{ inputSerialization: { csv: {} }, outputSerialization: { csv: {} } }
    })
  )(client)()
  t.match(ours, { left: { _tag: 'ServiceError', status: 400, code: 'SQLParsingError' } })
})

t.test('a stream of many rows is the same for both', async (t) => {
  const { sdk, client } = await start(t)
  const Key = 'many.csv'
  const many = Array.from({ length: 4000 }, (_, n) => `${String(n)},name ${String(n)} 腾\n`).join('')
  await sdk.putObject({ ...place, Key, Body: many })
  const expression = 'SELECT _1, _2 FROM COSObject WHERE _1 % 2 = 1'
  const { rows } = selectRows(it.tuple([it.string, it.string]))(
    right(
      await send(
        selectObjectContent({
          ...{ bucket: place.Bucket, key: Key, expression },
          ...{ inputSerialization: { csv: {} }, outputSerialization: { csv: {} } }
        })
      )(client)()
    )
  )
  const ours = await toArray(rows)
  t.equal(ours.length, 2000)
  const stream = sdk.selectObjectContentStream(
    {
      ...place,
      Key,
      SelectType: 2,
      SelectRequest: {
        Expression: expression,
        ExpressionType: 'SQL',
        InputSerialization: { CSV: { FileHeaderInfo: 'NONE' } },
        OutputSerialization: { CSV: { FieldDelimiter: ',' } }
      }
    },
    () => undefined
  ) as unknown as AsyncIterable<Buffer>
  const theirs = Buffer.concat(await toArray(stream)).toString()
  t.equal(theirs, ours.map((row) => `${row.join(',')}\n`).join(''))
})
