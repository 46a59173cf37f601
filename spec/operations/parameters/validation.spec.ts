import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import * as In from '../../../lib/core/input.js'
import {
  crossChecked,
  choose,
  firstOf,
  byTag,
  textOr
} from '../../../lib/operations/parameters/validation.js'
import { validateWith } from '../../support/operations.js'

interface Circle {
  readonly shape: 'circle'
  readonly radius: number
}
interface Square {
  readonly shape: 'square'
  readonly side: number
}

const Circle = In.struct<Circle>('a circle', { shape: In.oneOf('circle'), radius: In.integer(1) })
const Square = In.struct<Square>('a square', { shape: In.oneOf('square'), side: In.integer(1) })

t.test('byTag validates with the member that the tag names', async (t) => {
  const Shape = choose<Circle | Square>('a shape', byTag('shape', { circle: Circle, square: Square }))
  const judge = validateWith(Shape)
  t.same(judge({ shape: 'square', side: 2 }), E.right({ shape: 'square', side: 2 }))
  t.same(judge({ shape: 'square', side: 0 }), E.left('side: must be an integer, at least 1'))
  t.same(judge({ shape: 'circle', side: 2 }), E.left('side: is not a known field'))
  for (const nonsense of [{ shape: 'toString' }, { shape: 3 }, {}, [], 'square', undefined, null]) {
    t.same(judge(nonsense), E.left(': must be a shape'))
  }
  t.equal(Shape.is({ shape: 'circle', radius: 1 }), true)
  t.equal(Shape.is({ shape: 'circle' }), false)
})

t.test('firstOf validates with the member whose field is present', async (t) => {
  const judge = validateWith(
    choose<Circle | Square>('a shape', firstOf<Circle | Square>({ side: Square, radius: Circle }))
  )
  t.same(judge({ shape: 'circle', radius: 2 }), E.right({ shape: 'circle', radius: 2 }))
  t.same(judge({ shape: 'square', side: 2, radius: undefined }), E.right({ shape: 'square', side: 2 }))
  t.same(judge({ shape: 'square', side: 'two' }), E.left('side: must be an integer, at least 1'))
  t.same(judge({ shape: 'square' }), E.left(': must be a shape'))
  t.same(judge({ side: 1, radius: 1 }), E.left('radius: must not be given with side'))
})

t.test('textOr validates text and other values separately', async (t) => {
  const DateOrText = textOr(In.nonEmpty, In.date)
  const judge = validateWith(DateOrText)
  t.same(judge('now'), E.right('now'))
  t.same(judge(''), E.left(': must be a non-empty string'))
  t.same(judge(new Date(NaN)), E.left(': must be a valid Date'))
  t.same(judge(3), E.left(': must be a valid Date, or a non-empty string'))
  t.same(judge(null), E.left(': must be a valid Date, or a non-empty string'))
  t.equal(DateOrText.is(new Date(0)), true)
  t.equal(DateOrText.is(''), false)
})

t.test('crossChecked names one of the fields in conflict', async (t) => {
  interface Span {
    readonly from: number
    readonly to: number
  }
  const Span = crossChecked<Span>(
    In.struct<Span>('a span', { from: In.integer(0), to: In.integer(0) }),
    ({ from, to }) =>
      to < from ? O.some({ field: 'to', problem: 'conflict', message: 'must be after from' }) : O.none
  )
  const judge = validateWith(Span)
  t.same(judge({ from: 1, to: 2 }), E.right({ from: 1, to: 2 }))
  t.same(judge({ from: 2, to: 1 }), E.left('to: must be after from'))
  t.same(judge({ from: -1, to: 1 }), E.left('from: must be an integer, at least 0'))
  t.equal(Span.is({ from: 2, to: 1 }), false)
  t.equal(Span.is({ from: 1, to: 1 }), true)
})
