import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Element } from '../../../lib/core/element.js'
import * as Row from '../../../lib/operations/responses/row.js'
import { left } from '../../support/responses.js'

const leaf = (name: string, text: string): Element => ({ name, text, children: [] })
const parent = (name: string, ...children: ReadonlyArray<Element>): Element => ({ name, text: '', children })

const read = <A>(children: ReadonlyArray<Element>, field: (row: Row.Row) => A) =>
  Row.readRow(parent('Contents', ...children), (text) => text.toUpperCase(), field)

t.test('a field is found in every spelling of its name', async (t) => {
  for (const name of ['UploadId', 'UploadID', 'Upload-Id', 'uploadid']) {
    t.same(
      read([leaf(name, '1')], (row) => Row.text(row, 'UploadId')),
      E.right('1'),
      name
    )
  }
  t.ok(E.isLeft(read([leaf('UploadIds', '1')], (row) => Row.text(row, 'UploadId'))))
})

t.test('the last element of a repeated name is read', async (t) => {
  t.same(
    read([leaf('Key', 'a'), leaf('Key', 'b')], (row) => Row.text(row, 'Key')),
    E.right('b')
  )
})

t.test('text fields differ in what they take for missing', async (t) => {
  const fields = (row: Row.Row) => [
    Row.text(row, 'A'),
    Row.textOrEmpty(row, 'B'),
    Row.encodedText(row, 'A'),
    Row.encodedTextOrEmpty(row, 'B'),
    Row.optionalText(row, 'A'),
    Row.optionalText(row, 'B'),
    Row.optionalEncodedText(row, 'A'),
    Row.nonEmptyText(row, 'A')
  ]
  t.same(read([leaf('A', 'x')], fields), E.right(['x', '', 'X', '', O.some('x'), O.none, O.some('X'), 'x']))
  t.same(
    read([leaf('A', '')], (row) => [Row.text(row, 'A'), Row.optionalText(row, 'A')]),
    E.right(['', O.none])
  )
  t.ok(E.isLeft(read([leaf('A', '')], (row) => Row.nonEmptyText(row, 'A'))))
  t.ok(E.isLeft(read([parent('A', leaf('B', 'x'))], (row) => Row.text(row, 'A'))), 'a parent has no text')
})

t.test('numbers, booleans and dates are required unless optional', async (t) => {
  const date = '2024-05-01T08:00:00.000Z'
  const row = [leaf('N', '7'), leaf('B', 'TRUE'), leaf('D', date), leaf('Bad', 'x')]
  t.same(
    read(row, (row) => [Row.count(row, 'N'), Row.flag(row, 'B'), Row.timestamp(row, 'D')]),
    E.right([7, true, new Date(date)])
  )
  t.same(
    read(row, (row) => [
      Row.optionalCount(row, 'N'),
      Row.optionalCount(row, 'Bad'),
      Row.optionalCount(row, 'None'),
      Row.optionalTimestamp(row, 'D'),
      Row.optionalTimestamp(row, 'Bad')
    ]),
    E.right([O.some(7), O.none, O.none, O.some(new Date(date)), O.none])
  )
})

t.test('a row reports each of its problems by path', async (t) => {
  const problems = left(
    read([leaf('Size', 'x')], (row) => ({
      key: Row.encodedText(row, 'Key'),
      size: Row.count(row, 'Size'),
      truncated: Row.flag(row, 'IsTruncated'),
      date: Row.timestamp(row, 'LastModified'),
      owner: Row.owner(row, 'Owner')
    }))
  )
  t.match(problems, [
    /^Contents\.Key\b/,
    /^Contents\.Size\b/,
    /^Contents\.IsTruncated\b/,
    /^Contents\.LastModified\b/
  ])
  t.equal(problems.length, 4)
})

t.test('a storage class is upper case, and STANDARD if missing or empty', async (t) => {
  t.same(read([leaf('StorageClass', 'Standard_ia')], Row.storageClass), E.right('STANDARD_IA'))
  t.same(read([leaf('StorageClass', '')], Row.storageClass), E.right('STANDARD'))
  t.same(read([], Row.storageClass), E.right('STANDARD'))
})

t.test('an owner without an id is none, and one without a name has its id as name', async (t) => {
  const owner = (...children: ReadonlyArray<Element>) => read(children, (row) => Row.owner(row, 'Owner'))
  t.same(
    owner(parent('Owner', leaf('ID', '1'), leaf('DisplayName', 'a'))),
    E.right(O.some({ id: '1', displayName: 'a' }))
  )
  t.same(owner(parent('Owner', leaf('ID', '1'))), E.right(O.some({ id: '1', displayName: '1' })))
  for (const none of [
    leaf('Owner', ''),
    parent('Owner', leaf('DisplayName', 'a')),
    parent('Owner', parent('ID', leaf('ID', '1')))
  ]) {
    t.same(owner(none), E.right(O.none))
  }
  t.same(owner(), E.right(O.none))
})
