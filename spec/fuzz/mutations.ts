/** Mutations of a true response. Each adds a description of its change. */
import { gzipSync } from 'node:zlib'
import type { Random } from './seeded-random.js'
import { frames, targets, xml, type RawResponse, type Target } from './targets.js'

export interface DraftBody {
  readonly response: RawResponse
  readonly harmless: boolean
  readonly cut: boolean
  readonly description: ReadonlyArray<string>
}

type Mutation = (draft: DraftBody, random: Random, target: Target) => DraftBody

export const text = (value: string): Buffer => Buffer.from(value)
const change = (
  draft: DraftBody,
  description: string,
  response: Partial<RawResponse>,
  more: Partial<DraftBody> = {}
): DraftBody => ({
  ...draft,
  harmless: false,
  ...more,
  response: { ...draft.response, ...response },
  description: [...draft.description, description]
})

const splice = (bytes: Buffer, from: number, to: number, put: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)])

// -- bodies --
const junk: ReadonlyArray<Buffer> = [
  ...[
    '<',
    '>',
    '&',
    '&#0;',
    '&#xD800;',
    '&nbsp;',
    ']]>',
    '<![CDATA[x]]>',
    '<!-- x -->',
    '<?x y?>',
    '</a>',
    '<a/>'
  ],
  ...[
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '\0',
    '\u{FFFF}',
    '%',
    '%zz',
    '%00',
    'NaN',
    '-1',
    '1e999',
    '0x10',
    ' '
  ],
  ...['99999999999999999999', '\r\n', '<Error><Code>InternalError</Code></Error>', '<Contents></Contents>'],
  '<a>'.repeat(1000),
  'x'.repeat(20_000)
]
  .map(text)
  .concat([Buffer.of(0xff, 0xfe), Buffer.of(0xe4, 0xb8), Buffer.of(0xed, 0xa0, 0x80)])

const elements = (body: string): ReadonlyArray<RegExpExecArray> => [
  ...body.matchAll(/<([A-Za-z]+)>([^<]*)<\/\1>/g)
]

const bodies: ReadonlyArray<Mutation> = [
  (draft, random) => {
    const body = Buffer.from(draft.response.body)
    for (let times = random.below(4); times >= 0 && body.length > 0; times -= 1) {
      body[random.below(body.length)] = random.below(256)
    }
    return change(draft, 'bytes flipped', { body })
  },
  (draft, random) => {
    const { body } = draft.response
    const from = random.below(body.length + 1)
    return change(draft, 'bytes left out', {
      body: splice(body, from, from + 1 + random.below(40), text(''))
    })
  },
  (draft, random) => {
    const { body } = draft.response
    const from = random.below(body.length + 1)
    const again = body.subarray(from, from + 1 + random.below(200))
    return change(draft, 'repeated bytes', { body: splice(body, from, from, again) })
  },
  (draft, random) => {
    const { body } = draft.response
    const at = random.below(body.length + 1)
    return change(draft, 'junk put in', { body: splice(body, at, at, random.of(junk)) })
  },
  (draft, random) => {
    const body = String(draft.response.body)
    const found = elements(body)
    if (found.length === 0) return change(draft, 'empty', { body: text('') })
    const { 0: element, 1: name = '', index } = random.of(found)
    const put = random.of([
      ...['', `${element}${element}`, `<${name}/>`, `<${name.toLowerCase()}>1</${name.toLowerCase()}>`],
      `<${name} a="b">x</${name}>`,
      `<${name}>${String(random.of(junk))}</${name}>`,
      `<${name}>${random.of(['-1', 'TRUE', ' 7 ', '2024-02-31T99:00:00Z', '&quot;&amp;&#65;', '%41%'])}</${name}>`
    ])
    return change(draft, `element ${name} replaced`, {
      body: text(body.slice(0, index) + put + body.slice(index + element.length))
    })
  },
  (draft, random) => {
    const body = String(draft.response.body)
    const root = /<([A-Za-z]+)/.exec(body)?.[1] ?? 'x'
    return change(draft, 'another root', {
      body: text(
        body.replaceAll(new RegExp(`(</?)${root}\\b`, 'g'), `$1${random.of(['Error', 'html', 'X'])}`)
      )
    })
  },
  (draft, random) => {
    const { body } = draft.response
    const at = random.below(body.length)
    return change(draft, 'the end left out', { body: body.subarray(0, at) }, { cut: true })
  },
  (draft, random, { name }) => {
    if (name !== 'selectObjectContent') return change(draft, 'empty', { body: text('') })
    const all = [...frames()]
    for (let times = random.below(3); times >= 0; times -= 1) {
      const at = random.below(all.length)
      const [frame = text('')] = all.splice(at, 1)
      if (random.often(0.5)) all.splice(random.below(all.length + 1), 0, frame, frame)
    }
    return change(draft, 'frames shuffled', { body: Buffer.concat(all) })
  }
]

const foreign: ReadonlyArray<Mutation> = [
  (draft, random) =>
    change(draft, 'a page', {
      status: random.of([200, 200, 403, 404, 502, 503]),
      headers: [['Content-Type', 'text/html']],
      body: text(
        `<!DOCTYPE html><html><body>${'<p>Bad gateway<br>'.repeat(random.of([1, 1, 5000]))}</body></html>`
      )
    }),
  (draft, random) =>
    change(draft, 'JSON', {
      status: random.of([200, 400, 500]),
      headers: [['Content-Type', 'application/json']],
      body: text(
        random.of(['{"code":-1,"message":"no"}', '{}', '[1,', 'null', '{"Code":"X","RequestId":"r"}'])
      )
    }),
  (draft, random) =>
    change(draft, 'nothing', { status: random.of([200, 204, 404, 500, 503]), body: text('') }),
  (draft, random) => change(draft, "another operation's response", random.of(targets).truth),
  (draft, random) =>
    change(
      draft,
      'a refusal',
      xml(
        `<Error><Code>${random.of(['NoSuchKey', 'InternalError', 'RequestTimeTooSkewed', 'AccessDenied', ''])}</Code><Message>m</Message><Resource>r</Resource><RequestId>i</RequestId><TraceId>t</TraceId></Error>`,
        random.of([200, 403, 404, 409, 412, 500, 503])
      )
    ),
  (draft) =>
    change(draft, 'gzip', {
      headers: [...draft.response.headers, ['Content-Encoding', 'gzip']],
      body: gzipSync(draft.response.body)
    })
]

// -- heads --
const odd = [
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  '18446744073709551616',
  '1e3',
  'x, y',
  '"',
  'null',
  '\u00e9',
  'a\tb',
  'bytes */9'
]

const heads: ReadonlyArray<Mutation> = [
  (draft, random) => {
    const gone = random.of(draft.response.headers)
    return change(draft, `no ${gone[0]}`, { headers: draft.response.headers.filter((one) => one !== gone) })
  },
  (draft, random) => {
    const other = random.of(draft.response.headers)
    const value = random.of([...odd, 'y'.repeat(random.of([300, 9000, 40_000]))])
    return change(draft, `another ${other[0]}`, {
      headers: draft.response.headers.map((one) => (one === other ? [one[0], value] : one))
    })
  },
  (draft, random) => {
    const twice = random.of(draft.response.headers)
    const value = random.often(0.5) ? twice[1] : random.of(odd)
    return change(draft, `${twice[0]} twice`, { headers: [...draft.response.headers, [twice[0], value]] })
  },
  (draft, random) => {
    const more = random.of<readonly [string, string]>([
      ...(
        [
          'a b',
          'a\0b',
          '',
          'Content-Range',
          'Content-Length',
          '__proto__',
          'x-cos-meta-',
          'Location'
        ] as const
      ).map((name) => [name, random.of(odd)] as const),
      ['Trailer', 'x'],
      ['Connection', 'close'],
      ['Content-Range', 'bytes 0-8/9'],
      ['Content-Range', 'bytes 2-5/*'],
      ['x-cos-hash-crc64ecma', '1'],
      ['Transfer-Encoding', 'gzip']
    ])
    return change(draft, `also ${more[0]}`, { headers: [...draft.response.headers, more] })
  },
  (draft, random) =>
    change(draft, 'another status', {
      status: random.of([
        100, 101, 103, 199, 200, 201, 204, 205, 206, 299, 301, 302, 304, 307, 400, 404, 416, 429, 500, 503,
        599, 600, 999
      ])
    })
]

// -- mutations without effect on the meaning --
const harmless: ReadonlyArray<Mutation> = [
  (draft) => draft,
  (draft) => ({
    ...draft,
    response: { ...draft.response, headers: [...draft.response.headers, ['x-unknown', 'x']] },
    description: [...draft.description, 'a header more']
  }),
  (draft, random, { root }) => {
    if (root === undefined) return draft
    const body = String(draft.response.body)
    const put: ReadonlyArray<string> = [
      body.slice(body.indexOf('\n') + 1),
      `\ufeff${body}`,
      `${' \r\n'.repeat(1 + random.below(50))}${body}`,
      `${body}\n `,
      body.replace(`</${root}>`, `<Unknown><Deep>1</Deep></Unknown></${root}>`),
      body.replace(`</${root}>`, `<!-- repeated --></${root}>`),
      body.replace(`<${root}>`, `<${root} xmlns="http://www.qcloud.com/document/product/436/7751">`),
      body.replaceAll('&quot;', '&#34;')
    ]
    return {
      ...draft,
      response: { ...draft.response, body: text(random.of(put)) },
      description: [...draft.description, 'other XML of the same meaning']
    }
  }
]

/** A response with the meaning of the true one, or with another. */
export const mutate = (target: Target, random: Random): DraftBody => {
  const start: DraftBody = { response: target.truth, harmless: true, cut: false, description: [] }
  const kind = random.below(10)
  if (kind < 2) return random.of(harmless)(start, random, target)
  let draft = start
  const kinds =
    kind < 5 ? bodies : kind < 8 ? heads : kind === 8 ? foreign : [...bodies, ...heads, ...foreign]
  for (let times = random.of([1, 1, 1, 2, 3]); times > 0; times -= 1) {
    // An HTML page may have no headers to change.
    draft = random.of(draft.response.headers.length === 0 ? bodies : kinds)(draft, random, target)
  }
  return draft
}
