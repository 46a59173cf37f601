import { PassThrough, Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { claimSource, closeSource, withSource } from '../../lib/stages/claim-source.js'

const context = contextWithoutObject('Spec')
const claim = claimSource(context)
const newGenerator = () =>
  (async function* () {
    yield Buffer.from('x')
  })()

t.test('a source that can be read once can be claimed once', (t) => {
  for (const source of [newGenerator(), Readable.from(['x']), new PassThrough(), new Blob(['x']).stream()]) {
    t.equal(E.toUnion(claim(source)), source)
    t.match(claim(source), E.left({ _tag: 'SourceError', context, cause: /earlier run/ }))
  }
  t.end()
})

t.test('an iterable that returns a new iterator each time can be claimed again', (t) => {
  const source = { [Symbol.asyncIterator]: newGenerator }
  t.equal(E.toUnion(claim(source)), source)
  t.equal(E.toUnion(claim(source)), source)
  t.end()
})

t.test('a stream that was read, locked, destroyed or has failed is refused with the reason', async (t) => {
  const read = new PassThrough()
  read.write('ab')
  read.read(1)
  const destroyed = new PassThrough()
  destroyed.destroy()
  const failed = new PassThrough()
  failed.destroy(new Error('disk'))
  const locked = new Blob(['x']).stream()
  locked.getReader()
  const disturbed = new Blob(['x']).stream()
  await disturbed.cancel()
  for (const [source, message] of [
    [read, /read before/],
    [destroyed, /destroyed/],
    [failed, /disk/],
    [locked, /locked/],
    [disturbed, /read before/]
  ] as const) {
    t.match(claim(source), E.left({ _tag: 'SourceError', cause: { message } }))
  }
  await setTimeout(5)
  t.pass('the error event of the failed stream has a listener')
})

t.test('closeSource destroys, cancels or returns, and ignores the errors of that', async (t) => {
  const node = new PassThrough()
  const web = new Blob(['x']).stream()
  const generator = newGenerator()
  const broken = Object.assign(newGenerator(), { return: () => Promise.reject(new Error('no')) })
  const throwing = Object.assign(newGenerator(), {
    return: () => {
      throw new Error('no')
    }
  })
  for (const source of [node, web, generator, broken, throwing]) {
    closeSource(source)
    closeSource(source)
  }
  t.ok(node.destroyed)
  t.same(await web.getReader().read(), { done: true, value: undefined })
  t.same(await generator.next(), { done: true, value: undefined })
  const locked = new Blob(['x']).stream()
  locked.getReader()
  closeSource(locked)
  await setTimeout(5)
})

t.test('withSource closes the source after its task, and leaves a refused source as it is', async (t) => {
  const source = new PassThrough()
  let isOpen = false
  const task = withSource(
    context,
    source
  )(async () => {
    isOpen = !source.destroyed
    await setTimeout(5)
    return E.right('done')
  })
  const first = task()
  t.match(await task(), E.left({ _tag: 'SourceError' }))
  t.notOk(source.destroyed)
  t.same(await first, E.right('done'))
  t.same([isOpen, source.destroyed], [true, true])
})
