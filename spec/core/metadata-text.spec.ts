import fc from 'fast-check'
import t from 'tap'
import { decodeMetadata, encodeMetadata, isMetadataText } from '../../lib/core/metadata-text.js'
import { isHeaderValue } from '../../lib/core/input.js'
import { anyText } from '../support/any-text.js'

const known: ReadonlyArray<readonly [text: string, wire: string]> = [
  ['', ''],
  ['plain text, 1 < 2 & "quoted"', 'plain text, 1 < 2 & "quoted"'],
  ['Müller', 'M%C3%BCller'],
  ['腾讯', '%E8%85%BE%E8%AE%AF'],
  ['😀', '%F0%9F%98%80'],
  ['100%', '100%'],
  ['%41', '%2541'],
  ['%zz', '%zz'],
  [' both ends ', '%20both ends%20']
]

t.test('text is encoded as percent-encoded UTF-8, and ASCII stays', async (t) => {
  for (const [text, wire] of known) {
    t.equal(encodeMetadata(text), wire)
    t.equal(decodeMetadata(wire), text)
  }
})

t.test('values of other writers are decoded if they are UTF-8, and unchanged otherwise', async (t) => {
  t.equal(decodeMetadata('a%20b%e5%bc%a0'), 'a b张')
  t.equal(decodeMetadata('%E9t%E9'), '%E9t%E9', 'Latin-1')
  t.equal(decodeMetadata('M\u00fcller'), 'M\u00fcller', 'raw bytes')
})

t.test('every valid text returns from a header of printable ASCII', async () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom('%', '4', '1', 'é', ' ', '%41', '%C3%A9'), anyText()))
    .map((all) => all.join(''))
    .filter(isMetadataText)
  fc.assert(
    fc.property(text, (text) => {
      const wire = encodeMetadata(text)
      return isHeaderValue(wire) && wire === wire.trim() && decodeMetadata(wire) === text
    })
  )
})

t.test('control characters and lone surrogates are not metadata text', async (t) => {
  for (const bad of ['a\r\nb', 'a\0', '\x7f', '\ud800', 'a\tb']) t.equal(isMetadataText(bad), false)
  t.equal(isMetadataText('ä 腾 😀'), true)
})
