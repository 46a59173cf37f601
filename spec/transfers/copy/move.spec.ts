import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { script, type EmulatorOptions, type Fault } from '../../../lib/emulator/index.js'
import { send } from '../../../lib/client/send.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { objectExists } from '../../../lib/operations/object-exists.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { move, type MoveInput } from '../../../lib/transfers/copy/move.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { streamObjectVersions } from '../../../lib/transfers/list/stream-object-versions.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'

const MiB = 1024 * 1024
const elsewhere = 'otherbucket-1250000000'
const from = { bucket: elsewhere, key: 'from/a.bin' }
const copySource = { ...from, region: 'ap-shanghai' }
const at = { bucket, key: 'to/a.bin' }
const to: MoveInput = { ...at, copySource }
const bytes = bytesOf(2 * MiB + 17)
const inParts = { threshold: MiB, partSize: MiB }
const versioned = { buckets: [bucket, { name: elsewhere, versioning: 'Enabled' as const }] }

const startWithSource = async (
  t: Parameters<typeof startCos>[0],
  options: EmulatorOptions = {},
  body: string | Uint8Array = bytes
): Promise<Cos> => {
  const cos = await startCos(t, { buckets: [bucket, elsewhere], ...options })
  right(await send(putObject({ ...from, body }))(cos.client())())
  return cos
}

const exists = async (cos: Cos, where: typeof from): Promise<boolean> =>
  right(await send(objectExists(where))(cos.client())())

t.test('move copies an object, verifies the copy, and then deletes the source', async (t) => {
  for (const way of [{}, inParts]) {
    const cos = await startWithSource(t)
    const moved = right(await move({ ...to, ...way })(cos.client())())
    t.match(moved, { size: bytes.length, integrity: { _tag: 'Verified' }, deleted: { _tag: 'Some' } })
    t.same(cos.operations().slice(-2), ['HeadObject', 'DeleteObject'])
    t.same([await exists(cos, from), await exists(cos, at)], [false, true])
  }
})

t.test('the source is deleted in its own region', async (t) => {
  const cos = await startWithSource(t)
  right(await move(to)(cos.client())())
  t.match(cos.emulator.requests().at(-1), {
    operation: 'DeleteObject',
    headers: { host: `${elsewhere}.cos.ap-shanghai.myqcloud.com` }
  })
})

t.test('an object is never moved onto itself', async (t) => {
  const cos = await startWithSource(t)
  for (const wrong of [
    {},
    { key: `/${from.key}` },
    { copyStatus: 'Replaced' as const },
    { copySource: { ...copySource, versionId: 'null' } },
    { copySource: { ...from, endpoint: 'cos.accelerate.myqcloud.com' } }
  ]) {
    t.match(left(await move({ ...from, copySource, ...wrong })(cos.client())()), {
      _tag: 'InvalidInput',
      field: 'key',
      context: { operation: 'move' }
    })
  }
  t.same(cos.operations(), ['PutObject'])
})

t.test('if the copy differs from the source, the source stays', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([
      { operation: 'CompleteMultipartUpload', fault: { headers: { 'x-cos-hash-crc64ecma': '17' } } }
    ])
  })
  t.match(left(await move({ ...to, ...inParts })(cos.client())()), { _tag: 'IntegrityError', check: 'crc64' })
  t.ok(await exists(cos, from))
})

t.test('without checksums size and ETag must be equal; if they differ, the source stays', async (t) => {
  const cos = await startWithSource(t, {
    fault: ({ operation }) =>
      operation === 'HeadObject' ? { headers: { 'x-cos-hash-crc64ecma': null } } : undefined
  })
  t.match(left(await move({ ...to, ...inParts })(cos.client())()), {
    _tag: 'IntegrityError',
    check: 'etag',
    expected: /^"[0-9a-f]{32}"$/,
    got: /-3"$/
  })
  t.ok(await exists(cos, from))

  const moved = right(await move(to)(cos.client())())
  t.match(moved, { integrity: { _tag: 'Unverifiable' }, deleted: { _tag: 'Some' } })
  t.notOk(await exists(cos, from))
})

t.test('a source that is overwritten meanwhile stays', async (t) => {
  const large = bytesOf(8 * MiB)
  let replaced: Promise<unknown> | undefined
  const cos = await startWithSource(
    t,
    {
      ...versioned,
      // Time for a write meanwhile.
      fault: script([{ operation: 'UploadPartCopy', fault: { delay: 25 } }]),
      onRequest: ({ operation }) => {
        if (operation === 'UploadPartCopy')
          replaced ??= send(putObject({ ...from, body: 'another' }))(cos.client())()
      }
    },
    large
  )
  t.match(left(await move({ ...to, ...inParts, concurrency: 1 })(cos.client())()), {
    _tag: 'ObjectChanged'
  })
  t.equal(right(await send(headObject(from))(cos.client())()).size, 'another'.length)
  t.equal(right(await send(headObject(at))(cos.client())()).size, large.length)
})

t.test('if the source was deleted meanwhile, the move succeeds with deleted: none', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([
      { operation: 'HeadObject', key: from.key, skip: 1, times: 1, fault: { response: { status: 404 } } }
    ])
  })
  t.same(right(await move(to)(cos.client())()).deleted, O.none)
  t.notOk(cos.operations().includes('DeleteObject'))
})

t.test('with versions a delete marker is added, or the named version is removed permanently', async (t) => {
  const cos = await startWithSource(t, versioned, 'old')
  const { versionId } = right(await send(headObject(from))(cos.client())())
  const old = O.toUndefined(versionId)!
  right(await send(putObject({ ...from, body: 'newer' }))(cos.client())())

  t.match(right(await move(to)(cos.client())()), {
    size: 'newer'.length,
    deleted: O.some({ deleteMarker: true, versionId: { _tag: 'Some' } })
  })
  const entries = async () =>
    right(await collect(streamObjectVersions({ bucket: elsewhere }))(cos.client())()).map(({ _tag }) => _tag)
  t.same(await entries(), ['DeleteMarker', 'Version', 'Version'])

  t.match(right(await move({ ...to, copySource: { ...copySource, versionId: old } })(cos.client())()), {
    size: 'old'.length,
    deleted: O.some({ deleteMarker: false, versionId: O.some(old) })
  })
  t.same(await entries(), ['DeleteMarker', 'Version'])
})

t.test('if the deletion fails, both objects stay, and the move can be run again', async (t) => {
  const cos = await startWithSource(t, {
    fault: script([
      { operation: 'DeleteObject', times: 1, fault: { response: { status: 403, code: 'AccessDenied' } } },
      { operation: 'DeleteObject', times: 1, fault: { cut: { at: 'head' } } }
    ])
  })
  t.match(left(await move(to)(cos.client())()), {
    _tag: 'ServiceError',
    code: 'AccessDenied',
    context: { operation: 'DeleteObject', bucket: elsewhere, key: O.some(from.key) }
  })
  t.same([await exists(cos, from), await exists(cos, at)], [true, true])
  right(await move(to)(cos.client())())
  t.same([await exists(cos, from), await exists(cos, at)], [false, true])
})

t.test('a deletion that a proxy responds to is an error, and the source stays', async (t) => {
  const page = { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' }
  const faults: ReadonlyArray<Fault> = [
    { response: { status: 200, ...page } },
    { response: { status: 200 } },
    { response: { status: 204 }, headers: { 'x-cos-request-id': null } }
  ]
  for (const fault of faults) {
    const cos = await startWithSource(t, {
      fault: ({ operation }) => (operation === 'DeleteObject' ? fault : undefined)
    })
    t.match(left(await move(to)(cos.client({ retry: { attempts: 1 } }))()), {
      _tag: 'DecodeError',
      context: { operation: 'DeleteObject' }
    })
    t.same([await exists(cos, from), await exists(cos, at)], [true, true])
  }
})

t.test('a deletion of a version whose response was lost succeeds', async (t) => {
  const cos = await startWithSource(t, {
    ...versioned,
    fault: script([
      { operation: 'DeleteObject', times: 1, fault: { cut: { at: 'head' } } },
      { operation: 'DeleteObject', times: 1, fault: { response: { status: 404, code: 'NoSuchVersion' } } }
    ])
  })
  const versionId = O.toUndefined(right(await send(headObject(from))(cos.client())()).versionId)!
  t.match(
    right(await move({ ...to, copySource: { ...copySource, versionId } })(cos.client())()).deleted,
    O.some({ deleteMarker: false, versionId: O.some(versionId) })
  )
})

t.test('moving a missing object is a 404', async (t) => {
  const cos = await startCos(t, { buckets: [bucket, elsewhere] })
  t.match(left(await move(to)(cos.client())()), { _tag: 'ServiceError', status: 404 })
  t.same(cos.operations(), ['HeadObject'])
})

t.test('a move publishes its transfer events under its own name', async (t) => {
  const cos = await startWithSource(t)
  const events: Array<unknown> = []
  const listen = (event: unknown): void => void events.push(event)
  subscribe('cospipe:transfer', listen)
  t.teardown(() => unsubscribe('cospipe:transfer', listen))
  right(await move(to)(cos.client())())
  t.match(events, [
    { operation: 'move', phase: 'start' },
    { operation: 'move', phase: 'end', transferred: bytes.length }
  ])
  t.equal(events.length, 2)
})

t.test('a move in parts without permission to read the tags fails before it copies or deletes', async (t) => {
  const cos = await startWithSource(t, {
    fault: ({ operation }) =>
      operation === 'GetObjectTagging' ? { response: { status: 403, code: 'AccessDenied' } } : undefined
  })
  right(await send(putObject({ ...from, body: bytes, tagging: { keep: 'yes' } }))(cos.client())())
  t.match(left(await move({ ...to, ...inParts })(cos.client())()), {
    _tag: 'ServiceError',
    status: 403,
    context: { operation: 'GetObjectTagging' }
  })
  t.ok(await exists(cos, from))
  t.notOk(await exists(cos, at))
})

t.test('a move in parts copies the tags', async (t) => {
  const cos = await startWithSource(t)
  right(await send(putObject({ ...from, body: bytes, tagging: { keep: 'yes' } }))(cos.client())())
  right(await move({ ...to, ...inParts })(cos.client())())
  t.match(right(await send(headObject(at))(cos.client())()), { taggingCount: O.some(1) })
})
