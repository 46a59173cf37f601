import t from 'tap'
import { CosException } from '../../../lib/core/error.js'
import { selectEvents } from '../../../lib/operations/responses/select-events.js'
import { fetchResponse, serveResponse, specContext, type CannedResponse } from '../../support/responses.js'
import { encodeEvent, recordedMessage } from '../../support/select-messages.js'

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

/** The tags of the events, and the error at their end. */
const read = async (t: Teardown, canned: CannedResponse) => {
  const headers = { 'x-cos-request-id': 'NjYwMQ==', 'x-cos-trace-id': 'VHJhY2U=' }
  const tags: Array<string> = []
  try {
    for await (const { _tag } of selectEvents(await fetchResponse(t, { headers, ...canned }))) tags.push(_tag)
    return { tags }
  } catch (thrown) {
    if (thrown instanceof CosException) return { tags, error: thrown.error }
    throw thrown
  }
}

const all = ['Records', 'Cont', 'Progress', 'Records', 'Stats', 'End']

t.test('events are in order, in any chunks', async (t) => {
  const bytes = Buffer.concat(all.map(recordedMessage))
  t.same(await read(t, { chunks: [bytes] }), { tags: all })
  const torn = Array.from({ length: Math.ceil(bytes.length / 50) }, (_, n) =>
    bytes.subarray(n * 50, n * 50 + 50)
  )
  t.same(await read(t, { chunks: torn }), { tags: all })
})

t.test('nothing is read after End', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: [recordedMessage('End')], ends: 'open' })
  const tags = []
  for await (const { _tag } of selectEvents(response)) tags.push(_tag)
  t.same(tags, ['End'])
  t.equal(await closed, 'early')
})

t.test('an error message is a ServiceError with status 200', async (t) => {
  t.same(
    await read(t, { chunks: [recordedMessage('Records'), recordedMessage('Error')], ends: 'open' }).then(
      (it) => it.tags
    ),
    ['Records']
  )
  const { error } = await read(t, { chunks: [recordedMessage('Error')] })
  t.match(error, {
    _tag: 'ServiceError',
    context: specContext,
    status: 200,
    code: 'OverMaxRecordSize',
    message: 'The length of a record is greater than 1 MB',
    requestId: 'NjYwMQ==',
    traceId: 'VHJhY2U='
  })
})

t.test('a stream without End is a TransportError', async (t) => {
  for (const chunks of [[], [recordedMessage('Records')], [recordedMessage('Records').subarray(0, 50)]]) {
    t.match((await read(t, { chunks })).error, { _tag: 'TransportError', code: 'IncompleteResponse' })
    t.match((await read(t, { chunks, ends: 'cut' })).error, { _tag: 'TransportError' })
  }
})

t.test('a wrong checksum is an IntegrityError before the next chunk', async (t) => {
  const broken = recordedMessage('Records')
  broken[97] = 0x32
  const { tags, error } = await read(t, {
    chunks: [Buffer.concat([recordedMessage('Cont'), broken])],
    ends: 'open'
  })
  t.same(tags, ['Cont'])
  t.match(error, { _tag: 'IntegrityError', check: 'crc32', expected: '3f6c0e55', got: 'a68e6854' })
})

t.test('an invalid stream is a typed error', async (t) => {
  t.match((await read(t, { chunks: ['<html>Bad Gateway</html>'] })).error, {
    _tag: 'IntegrityError',
    check: 'crc32'
  })
  t.match((await read(t, { chunks: [encodeEvent('Stats', 'lots')] })).error, { _tag: 'DecodeError' })
})
