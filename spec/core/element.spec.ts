import t from 'tap'
import { childOf, textOf } from '../../lib/core/element.js'
import { rowScanner } from '../../lib/core/scan-row.js'
import { plainElement } from '../support/plain-element.js'

const row =
  '<C><Key>a</Key><Key>b</Key><Upload-Id>1</Upload-Id><Owner><ID>2</ID><Empty></Empty></Owner><Empty></Empty></C>'

/** The second row of a form shares its shape with the rows after it. */
const readShaped = (xml: string) => {
  const { scan } = rowScanner(xml.repeat(2))
  scan(0)
  const scanned = scan(xml.length)
  if (scanned === undefined) throw new Error('the row was not scanned')
  return scanned.row
}

t.test('a child is found by each spelling of its name, the last of a name that repeats', async (t) => {
  const element = readShaped(row)
  for (const each of [element, plainElement(element)]) {
    // Twice: an element that shares its shape remembers what was looked up.
    for (const _ of [1, 2]) {
      t.equal(textOf(each, 'Key'), 'b')
      t.equal(textOf(each, 'key'), 'b')
      t.equal(textOf(each, 'UploadId'), '1')
      t.equal(textOf(each, 'UploadID'), '1')
      t.equal(textOf(each, 'Empty'), '')
      t.equal(textOf(each, 'Owner'), undefined, 'it has children')
      t.equal(textOf(each, 'Keys'), undefined)
      t.equal(childOf(each, 'Keys'), undefined)
      const owner = childOf(each, 'owner')
      t.equal(owner && textOf(owner, 'Id'), '2')
      t.equal(owner && textOf(owner, 'Key'), undefined, 'not of the parent')
    }
  }
})

t.test('a row of the same shape has its own texts', async (t) => {
  const { scan } = rowScanner('<C><K>1</K></C><C><K>2</K></C><C><K>3</K></C>')
  const rows = [0, 15, 30].map((at) => scan(at)?.row)
  t.same(
    rows.map((each) => each && textOf(each, 'K')),
    ['1', '2', '3']
  )
})
