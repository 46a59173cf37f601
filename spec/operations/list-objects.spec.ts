import * as O from 'fp-ts/lib/Option.js'
import fc from 'fast-check'
import t from 'tap'
import { CosException } from '../../lib/core/error.js'
import { compareUtf8 } from '../../lib/core/key.js'
import type { Request } from '../../lib/core/request.js'
import {
  listObjectEvents,
  listObjects,
  type ListObjectEventsInput,
  type ListObjectsInput,
  type ObjectEvent
} from '../../lib/operations/list-objects.js'
import {
  decodeResponse,
  catchCosError,
  createGate,
  left,
  right,
  serveResponse,
  xmlResponse,
  type CannedResponse
} from '../support/responses.js'
import { toArray } from '../support/iterables.js'

const bucket = 'examplebucket-1250000000'
type Test = Parameters<typeof serveResponse>[0]

const requestOf = (input: Partial<ListObjectsInput> = {}): Request =>
  right(listObjects({ bucket, ...input }).request)
const listPage = async (t: Test, canned: CannedResponse, input: Partial<ListObjectsInput> = {}) =>
  decodeResponse(t, listObjects({ bucket, ...input }).decode, canned)

// -- request --
t.test('the query always has encoding-type, and omits empty parameters', async (t) => {
  t.match(requestOf(), { method: 'GET', bucket, key: O.none, body: { _tag: 'Empty' } })
  t.same(requestOf().query, { 'encoding-type': 'url' })
  t.same(requestOf({ prefix: '', delimiter: '', marker: '' }).query, { 'encoding-type': 'url' })
  t.same(
    requestOf({ prefix: 'dir/子 +', delimiter: '/', marker: 'a%20b', maxKeys: 3, encodingType: 'url' }).query,
    {
      prefix: 'dir/子 +',
      delimiter: '/',
      marker: 'a%20b',
      'max-keys': '3',
      'encoding-type': 'url'
    }
  )
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const wrong: ReadonlyArray<readonly [input: object, field: string]> = [
    [{ maxKeys: 0 }, 'maxKeys'],
    [{ maxKeys: 1001 }, 'maxKeys'],
    [{ maxKeys: '10' }, 'maxKeys'],
    [{ delimiter: '\ud800' }, 'delimiter'],
    [{ prefix: '\ud800' }, 'prefix'],
    [{ marker: 'a\udc00' }, 'marker'],
    [{ encodingType: 'base64' }, 'encodingType'],
    [{ Prefix: 'a' }, 'Prefix'],
    [{ cursor: { key: '', id: '', prefix: '' } }, 'cursor'],
    [{ bucket: 'nobucket' }, 'bucket']
  ]
  for (const [input, field] of wrong) {
    t.match(left(listObjects({ bucket, ...input }).request), { _tag: 'InvalidInput', field }, field)
  }
  t.match(left(listObjectEvents({ bucket, cursor: { key: 'a' } as never }).request), { field: 'cursor.id' })
  t.match(left(listObjectEvents({ bucket, encodingType: 'url' } as never).request), { field: 'encodingType' })
  t.same(
    right(listObjects({ bucket, delimiter: '😀' }).request).query['delimiter'],
    '😀',
    'a character outside of the BMP'
  )
})

// -- a page --
const page = `<?xml version='1.0' encoding='utf-8' ?>
<ListBucketResult>
  <Name>examplebucket-1250000000</Name>
  <EncodingType>url</EncodingType>
  <Prefix>trips/</Prefix>
  <Marker/>
  <MaxKeys>3</MaxKeys>
  <Delimiter>/</Delimiter>
  <IsTruncated>true</IsTruncated>
  <NextMarker>trips/beach%20day.jpg</NextMarker>
  <CommonPrefixes><Prefix>trips/2023/</Prefix></CommonPrefixes>
  <Contents>
    <Key>trips/</Key>
    <LastModified>2024-05-01T08:00:00.000Z</LastModified>
    <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
    <Size>0</Size>
    <Owner><ID>1250000000</ID><DisplayName>1250000001</DisplayName></Owner>
    <StorageClass>STANDARD</StorageClass>
  </Contents>
  <Contents>
    <Key>trips/beach%20day.jpg</Key>
    <LastModified>2024-05-02T09:30:11.000Z</LastModified>
    <ETag>&quot;f2d1b2a44fd8a4b4d2c3a1b0c9d8e7f6-3&quot;</ETag>
    <Size>3145729</Size>
    <Owner><ID>1250000000</ID><DisplayName>1250000001</DisplayName></Owner>
    <StorageClass>Archive</StorageClass>
    <StorageTier>FREQUENT</StorageTier>
    <RestoreStatus>ONGOING</RestoreStatus>
  </Contents>
</ListBucketResult>`

const owner = O.some({ id: '1250000000', displayName: '1250000001' })
const contents = [
  {
    _tag: 'Object',
    key: 'trips/',
    lastModified: new Date('2024-05-01T08:00:00Z'),
    etag: '"d41d8cd98f00b204e9800998ecf8427e"',
    size: 0,
    owner,
    storageClass: 'STANDARD',
    storageTier: O.none,
    restoreStatus: O.none
  },
  {
    _tag: 'Object',
    key: 'trips/beach day.jpg',
    lastModified: new Date('2024-05-02T09:30:11Z'),
    etag: '"f2d1b2a44fd8a4b4d2c3a1b0c9d8e7f6-3"',
    size: 3145729,
    owner,
    storageClass: 'ARCHIVE',
    storageTier: O.some('FREQUENT'),
    restoreStatus: O.some('ONGOING')
  }
]
const head = {
  name: bucket,
  prefix: 'trips/',
  marker: '',
  delimiter: O.some('/'),
  maxKeys: 3,
  encodingType: O.none,
  isTruncated: true,
  nextMarker: O.some('trips/beach day.jpg')
}

t.test('a page is typed, and its texts are decoded once', async (t) => {
  const { headers, ...whole } = right(
    await listPage(t, xmlResponse(page, { 'x-cos-bucket-region': 'ap-guangzhou' }))
  )
  t.same(whole, {
    ...head,
    requestId: 'NjYwMQ==',
    bucketRegion: O.some('ap-guangzhou'),
    contents,
    commonPrefixes: ['trips/2023/']
  })
  t.equal(headers['x-cos-bucket-region'], 'ap-guangzhou')
})

t.test('encodingType url keeps texts percent-encoded', async (t) => {
  t.match(right(await listPage(t, xmlResponse(page), { encodingType: 'url' })), {
    encodingType: O.some('url'),
    nextMarker: O.some('trips/beach%20day.jpg'),
    contents: [{ key: 'trips/' }, { key: 'trips/beach%20day.jpg' }]
  })
})

t.test('a page is read in any order of elements, with namespaces and unknown elements', async (t) => {
  const rows =
    page.match(
      /<(Contents|CommonPrefixes|IsTruncated|NextMarker|Prefix|MaxKeys|Delimiter|Name)>[^]*?<\/\1>/g
    ) ?? []
  t.equal(rows.length, 9, 'the prefix of the common prefix is not one of them')
  const turned = `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><New><A/></New>${rows.toReversed().join('')}</ListBucketResult>`
  t.match(right(await listPage(t, xmlResponse(turned))), { ...head, contents: contents.toReversed() })
})

const entry = (key: string): string =>
  `<Contents><Key>${key}</Key><LastModified>2024-05-01T08:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag><Size>1</Size></Contents>`
const prefixXml = (prefix: string): string => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`
const pageXml = (...rows: ReadonlyArray<string>): string =>
  `<ListBucketResult>${rows.join('')}</ListBucketResult>`
const whole = '<IsTruncated>false</IsTruncated>'
const more = (marker: string): string => `<IsTruncated>TRUE</IsTruncated><NextMarker>${marker}</NextMarker>`

t.test('a page may have no, one or two entries', async (t) => {
  for (const keys of [[], ['a'], ['a', 'b']]) {
    const page = right(await listPage(t, xmlResponse(pageXml(whole, '<Prefix/>', ...keys.map(entry)))))
    t.same(
      page.contents.map(({ key }) => key),
      keys
    )
    t.same(page.commonPrefixes, [])
    t.equal(page.prefix, '')
    t.same(page.nextMarker, O.none)
  }
})

t.test('a key is its decoded text: numbers, spaces, plus and percent signs, invalid UTF-8', async (t) => {
  const keys: ReadonlyArray<readonly [wire: string, key: string]> = [
    ['00123', '00123'],
    ['1e5', '1e5'],
    ['true', 'true'],
    [' lead and trail ', ' lead and trail '],
    ['a%2Bb+c', 'a+b+c'],
    ['%E4%B8%AD%0A', '中\n'],
    ['%2520', '%20'],
    ['100%', '100%'],
    ['%FFx', '\ufffdx'],
    ['a%00b', 'a\0b'],
    ['&lt;a&gt;&amp;b', '<a>&b']
  ]
  const page = right(await listPage(t, xmlResponse(pageXml(whole, ...keys.map(([wire]) => entry(wire))))))
  t.same(
    page.contents.map(({ key }) => key),
    keys.map(([, key]) => key)
  )
})

t.test('a missing field of an entry is none or its default', async (t) => {
  const { contents } = right(
    await listPage(
      t,
      xmlResponse(pageXml(whole, entry('a'), entry('b').replace('<Size>', '<Owner/><StorageClass/><Size>')))
    )
  )
  for (const object of contents) {
    t.match(object, { owner: O.none, storageClass: 'STANDARD', storageTier: O.none, restoreStatus: O.none })
  }
})

t.test('a page may have a thousand entries', async (t) => {
  const keys = Array.from({ length: 1000 }, (_, n) => String(n).padStart(4, '0'))
  const canned = { chunks: [pageXml(...keys.map(entry), more('0999'))] }
  const { contents, nextMarker } = right(await listPage(t, canned))
  t.same(
    contents.map(({ key }) => key),
    keys
  )
  t.equal(contents[999]?.etag, '"x"')
  t.same(nextMarker, O.some('0999'))
})

t.test('a missing next marker is the greatest key or common prefix, in UTF-8 order', async (t) => {
  const forgot = '<IsTruncated>true</IsTruncated>'
  const next = async (input: Partial<ListObjectsInput>, ...rows: ReadonlyArray<string>) =>
    right(await listPage(t, xmlResponse(pageXml(forgot, ...rows)), input)).nextMarker
  t.same(await next({}, entry('a'), entry('b')), O.some('b'))
  t.same(await next({}, prefixXml('z/'), entry('a')), O.some('z/'))
  t.same(await next({}, prefixXml('a/'), entry('b')), O.some('b'))
  t.same(await next({}, entry('%EF%BF%BF'), entry('%F0%9F%98%80')), O.some('😀'), 'an emoji is behind U+FFFF')
  t.same(await next({ encodingType: 'url' }, entry('%7F'), entry('~')), O.some('%7F'), 'by the decoded text')
  t.same(await next({}, '<NextMarker/>', entry('a')), O.some('a'), 'an empty marker is missing')
  t.same(await next({}), O.none)
})

t.test('an invalid or cut page fails', async (t) => {
  const wrong: ReadonlyArray<readonly [canned: CannedResponse, error: object]> = [
    [{ chunks: [pageXml(entry('a'))] }, { _tag: 'DecodeError', problems: [/^IsTruncated\b/] }],
    [
      { chunks: [pageXml(whole, entry('a').replace('<Size>1', '<Size>x'))] },
      { _tag: 'DecodeError', problems: [/^Contents\.Size\b/] }
    ],
    [
      { chunks: [pageXml(whole, '<Contents/>')] },
      { _tag: 'DecodeError', problems: [/^Contents.Key/, /./, /./, /./] }
    ],
    [{ chunks: [page.slice(0, -30)] }, { _tag: 'TransportError', code: 'IncompleteResponse' }],
    [{ chunks: ['<ListVersionsResult/>'] }, { _tag: 'DecodeError' }],
    [
      { chunks: ['<Error><Code>SlowDown</Code></Error>'] },
      { _tag: 'ServiceError', status: 200, code: 'SlowDown' }
    ],
    [
      { status: 404, chunks: ['<Error><Code>NoSuchBucket</Code></Error>'] },
      { _tag: 'ServiceError', code: 'NoSuchBucket' }
    ]
  ]
  for (const [canned, error] of wrong) t.match(left(await listPage(t, canned)), error)
})

// -- a page as events --
const eventsOf = async (t: Test, canned: CannedResponse, input: Partial<ListObjectEventsInput> = {}) =>
  decodeResponse(t, listObjectEvents({ bucket, ...input }).decode, canned)
const allEvents = async (t: Test, xml: string, input: Partial<ListObjectEventsInput> = {}) =>
  toArray(right(await eventsOf(t, xmlResponse(xml), input)))
const briefly = (events: ReadonlyArray<ObjectEvent>): ReadonlyArray<string> =>
  events.map((event) => {
    if (event._tag === 'PageEnd') return O.isSome(event.next) ? `> ${event.next.value.key}` : 'end'
    return event._tag === 'Object' ? event.key : event.prefix
  })

t.test('events are the entries of a page with their cursors, then the page end', async (t) => {
  const events = await allEvents(t, page, { delimiter: '/' })
  t.match(events, [
    { _tag: 'CommonPrefix', prefix: 'trips/2023/', cursor: { key: '', id: '', prefix: 'trips/2023/' } },
    { ...contents[0], cursor: { key: 'trips/', id: '', prefix: 'trips/2023/' } },
    { ...contents[1], cursor: { key: 'trips/beach day.jpg', id: '', prefix: 'trips/2023/' } },
    {
      _tag: 'PageEnd',
      next: O.some({ key: 'trips/beach day.jpg', id: '', prefix: 'trips/beach day.jpg' }),
      page: { ...head, requestId: 'NjYwMQ==', headers: {} },
      requestId: 'NjYwMQ=='
    }
  ])
})

t.test('an entry is delivered before the next one is sent', async (t) => {
  const gates = [createGate(), createGate()]
  const chunks = [
    '<ListBucketResult>',
    entry('a'),
    gates[0]!.opened,
    entry('b'),
    gates[1]!.opened,
    whole,
    '</ListBucketResult>'
  ]
  const events = right(await eventsOf(t, { chunks }))[Symbol.asyncIterator]()
  t.match(await events.next(), { value: { key: 'a' } })
  gates[0]!.open()
  t.match(await events.next(), { value: { key: 'b' } })
  gates[1]!.open()
  t.match(await events.next(), { value: { _tag: 'PageEnd', next: O.none } })
  t.match(await events.next(), { done: true })
})

t.test('with an entry every 50 ms, the first is delivered before the third is sent', async (t) => {
  const entries = Array.from({ length: 20 }, (_, n) => entry(String(n).padStart(2, '0')))
  const { opened, open } = createGate()
  const { response, written } = await serveResponse(t, {
    chunks: [
      opened,
      '<ListBucketResult>',
      ...entries.flatMap((entry) => [entry, 50]),
      whole,
      '</ListBucketResult>'
    ]
  })
  setImmediate(open)
  for await (const event of right(await listObjectEvents({ bucket }).decode(response)())) {
    t.match(event, { key: '00' })
    break
  }
  t.ok(written() < ['<ListBucketResult>', ...entries.slice(0, 3)].join('').length, String(written()))
})

t.test('a failure before the first event is a Left, and a later one is thrown', async (t) => {
  const error = '<Error><Code>SlowDown</Code></Error>'
  t.match(left(await eventsOf(t, { chunks: [error] })), { _tag: 'ServiceError', status: 200 })
  t.match(left(await eventsOf(t, { status: 503, chunks: [error] })), { _tag: 'ServiceError', status: 503 })
  t.match(left(await eventsOf(t, { chunks: [' '] })), { _tag: 'TransportError', code: 'EmptyResponse' })

  const events = right(await eventsOf(t, { chunks: ['<ListBucketResult>', entry('a')], ends: 'cut' }))[
    Symbol.asyncIterator
  ]()
  t.match(await events.next(), { value: { key: 'a', cursor: { key: 'a' } } })
  t.match(await catchCosError(events.next()), { _tag: 'TransportError' })
})

t.test('a consumer that stops closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, {
    chunks: ['<ListBucketResult>', entry('a')],
    ends: 'open'
  })
  for await (const event of right(await listObjectEvents({ bucket }).decode(response)())) {
    t.match(event, { key: 'a' })
    break
  }
  t.equal(await closed, 'early')
})

t.test('a cursor is requested as the lesser of its marks', async (t) => {
  const marker = (input: ListObjectEventsInput) => right(listObjectEvents(input).request).query['marker']
  t.equal(marker({ bucket }), undefined)
  t.equal(marker({ bucket, marker: 'm' }), 'm')
  t.equal(marker({ bucket, marker: 'm', cursor: { key: 'k', id: '', prefix: 'k' } }), 'k')
  t.equal(marker({ bucket, cursor: { key: 'k', id: '', prefix: 'p/' } }), 'k')
  t.equal(marker({ bucket, cursor: { key: 'k', id: '', prefix: 'a/' } }), 'a/', 'the lesser')
  t.equal(marker({ bucket, cursor: { key: '', id: '', prefix: 'a/' } }), undefined)
})

t.test('a truncated page whose next marker is missing or not after the page is a DecodeError', async (t) => {
  for (const [from, next] of [
    ['b', 'b'],
    ['b', 'a'],
    ['\uffff', '\ue000'],
    ['😀', '\uffff']
  ] as const) {
    const events = right(
      await eventsOf(t, xmlResponse(pageXml(entry('%F4%8F%BF%BF'), more(encodeURIComponent(next)))), {
        marker: from
      })
    )
    t.match(
      await catchCosError(toArray(events)),
      { _tag: 'DecodeError', problems: [/not after the marker of this page/] },
      `${from} to ${next}`
    )
  }
  const nowhere = await eventsOf(t, xmlResponse(pageXml('<IsTruncated>true</IsTruncated>')))
  t.match(left(nowhere), {
    _tag: 'DecodeError',
    problems: [/neither a marker of the next page nor an entry/]
  })
  t.same(
    briefly(await allEvents(t, pageXml(entry('\u{10000}'), more('%F0%90%80%80')), { marker: '\uffff' })),
    ['\u{10000}', '> \u{10000}']
  )
})

// -- resuming after any event delivers each remaining entry once --
interface World {
  readonly keys: ReadonlyArray<string>
  readonly delimiter: string
  readonly maxKeys: number
}

/** The page that COS would send: keys and common prefixes after the marker, in two runs. */
const pageAfter = ({ keys, delimiter, maxKeys }: World, marker: string): string => {
  const all = keys.map((key) => {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter)
    return at < 0 ? { key, rolled: false } : { key: key.slice(0, at + 1), rolled: true }
  })
  const items = all
    .filter(({ key }, n) => compareUtf8(key, marker) > 0 && all.findIndex((other) => other.key === key) === n)
    .toSorted((a, b) => compareUtf8(a.key, b.key))
  const taken = items.slice(0, maxKeys)
  const end = items.length > maxKeys ? more(encodeURIComponent(taken.at(-1)?.key ?? '')) : whole
  return pageXml(
    end,
    ...taken.filter((item) => item.rolled).map((item) => prefixXml(encodeURIComponent(item.key))),
    ...taken.filter((item) => !item.rolled).map((item) => entry(encodeURIComponent(item.key)))
  )
}

const world: fc.Arbitrary<World> = fc.record({
  keys: fc.uniqueArray(
    fc
      .array(fc.constantFrom('a', 'b', '/', '\uffff', '😀'), { minLength: 1, maxLength: 4 })
      .map((all) => all.join(''))
  ),
  delimiter: fc.constantFrom('', '/'),
  maxKeys: fc.integer({ min: 1, max: 4 })
})

t.test(
  'a listing that is interrupted after any event and resumed from its cursor delivers each entry once',
  async () => {
    const label = (event: ObjectEvent): string =>
      event._tag === 'CommonPrefix' ? `${event.prefix} rolled` : 'key' in event ? event.key : ''
    /** Resumes from the cursor after every `stopAfter` events. */
    const readAll = async (world: World, stopAfter: number, t: Test): Promise<ReadonlyArray<string>> => {
      const delivered: Array<string> = []
      let cursor: ListObjectEventsInput['cursor']
      for (let pages = 0; pages < 500; pages += 1) {
        const input = { bucket, delimiter: world.delimiter, ...(cursor === undefined ? {} : { cursor }) }
        const operation = listObjectEvents(input)
        const marker = right(operation.request).query['marker'] ?? ''
        const events = right(await decodeResponse(t, operation.decode, xmlResponse(pageAfter(world, marker))))
        let read = 0
        for await (const event of events) {
          if (event._tag === 'PageEnd') {
            if (O.isNone(event.next)) return delivered
            cursor = event.next.value
            break
          }
          delivered.push(label(event))
          cursor = event.cursor
          read += 1
          if (read === stopAfter) break
        }
      }
      throw new Error('the listing did not end')
    }
    const cleanups: Array<() => unknown> = []
    const t = { teardown: (clean: () => unknown) => cleanups.push(clean) }
    await fc.assert(
      fc.asyncProperty(world, fc.integer({ min: 1, max: 5 }), async (world, stopAfter) => {
        const delivered = await readAll(world, stopAfter, t)
        const once = pageAfter({ ...world, maxKeys: 1000 }, '')
        const expected = [
          ...(once.match(/<Prefix>[^<]*/g) ?? []).map((row) => `${decodeURIComponent(row.slice(8))} rolled`),
          ...(once.match(/<Key>[^<]*/g) ?? []).map((row) => decodeURIComponent(row.slice(5)))
        ]
        await Promise.all(cleanups.splice(0).map((clean) => clean()))
        return JSON.stringify(delivered.toSorted()) === JSON.stringify(expected.toSorted())
      }),
      { numRuns: 30 }
    )
  }
)

t.test('a failure is thrown as a CosException', async (t) => {
  const events = right(
    await eventsOf(t, {
      chunks: ['<ListBucketResult>', entry('a'), entry('b').replace('<Size>1', '<Size>x')]
    })
  )
  const caught = await toArray(events).catch((thrown: unknown) => thrown)
  t.equal(caught instanceof CosException, true)
})
