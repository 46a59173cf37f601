/** ACLs: read from headers or from an XML document, written as XML, and the access that they give to anyone. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Element } from '../../../core/element.js'
import { type Xml, toFields } from '../../../core/xml.js'
import { anyoneMay, everyone } from '../../http/authorization.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import type { Acl } from '../../store/model.js'
import { ownerOf } from './listing.js'

type Headers = Readonly<Record<string, string>>

const permissions: Readonly<Record<string, string>> = {
  READ: 'x-cos-grant-read',
  WRITE: 'x-cos-grant-write',
  READ_ACP: 'x-cos-grant-read-acp',
  WRITE_ACP: 'x-cos-grant-write-acp',
  FULL_CONTROL: 'x-cos-grant-full-control'
}
const grantHeaders = Object.values(permissions)

// -- headers --
const grantee = /^(?:id|uin)="[^"]+"$/

/** The `x-cos-grant-*` headers. */
export const readGrants = (headers: Headers): E.Either<ServiceError, Headers> => {
  const grants: Record<string, string> = {}
  for (const name of grantHeaders) {
    const value = headers[name]
    if (value === undefined || value === '') continue
    if (!value.split(',').every((item) => grantee.test(item.trim())))
      return fail('InvalidArgument', `${name} must be a comma-separated list of id="..." or uin="...".`)
    grants[name] = value
  }
  return E.right(grants)
}

/** Reads `x-cos-acl`; `first` of the known values is the default. */
export const readCannedAcl = <A extends string>(
  headers: Headers,
  known: readonly [first: A, ...others: ReadonlyArray<A>]
): E.Either<ServiceError, A> => {
  const given = headers['x-cos-acl'] ?? ''
  const found = given === '' ? known[0] : known.find((acl) => acl === given)
  return found === undefined
    ? fail('InvalidArgument', `x-cos-acl must be one of: ${known.join(', ')}.`)
    : E.right(found)
}

export const hasAclHeader = (headers: Headers): boolean =>
  ['x-cos-acl', ...grantHeaders].some((name) => (headers[name] ?? '') !== '')

// -- document --
const textOf = (value: ReturnType<typeof toFields>[string] | undefined): string =>
  typeof value === 'string' ? value.trim() : ''

/** One grant of a document, as a header has it: the header's name, and `id="..."` or `uri="..."`. */
const readGrant = (row: Element): E.Either<ServiceError, readonly [header: string, grantee: string]> => {
  const fields = toFields(row)
  const to = fields['Grantee']
  const header = permissions[textOf(fields['Permission'])]
  const names = typeof to === 'object' ? to : {}
  const name = ['ID', 'URI', 'uin', 'Subaccount'].find((each) => textOf(names[each]) !== '')
  const value = textOf(names[name ?? ''])
  return header === undefined || name === undefined || value.includes('"')
    ? fail('MalformedXML', 'A grant needs a grantee with an ID or a URI, and a valid permission.')
    : E.right([header, `${name === 'URI' ? 'uri' : 'id'}="${value}"`])
}

/** Reads the children of `AccessControlPolicy`. */
export const readAclDocument = (
  rows: ReadonlyArray<Element>
): E.Either<ServiceError, Required<Pick<Acl, 'grants' | 'complete'>>> => {
  const list = rows.find(({ name }) => name === 'AccessControlList')
  if (list === undefined) return fail('MalformedXML', 'AccessControlPolicy must have an AccessControlList.')
  return pipe(
    list.children.filter(({ name }) => name === 'Grant'),
    E.traverseArray(readGrant),
    E.map((grants) => ({
      grants: Object.fromEntries(
        grantHeaders.flatMap((header) => {
          const grantees = grants.flatMap(([name, to]) => (name === header ? [to] : []))
          return grantees.length === 0 ? [] : [[header, grantees.join(',')]]
        })
      ),
      complete: true as const
    }))
  )
}

const grantRow = (to: ReadonlyArray<Xml>, permission: string): Xml => [
  'Grant',
  [
    ['Grantee', to],
    ['Permission', permission]
  ]
]

/** `id="1",uri="2"` -> one grant for each. */
const grantRows = ({ grants }: Acl): ReadonlyArray<Xml> =>
  Object.entries(permissions).flatMap(([permission, header]) =>
    [...(grants[header] ?? '').matchAll(/(id|uin|uri)="([^"]+)"/g)].map(([, kind, name = '']) =>
      grantRow(
        kind === 'uri'
          ? [['URI', name]]
          : [
              ['ID', name],
              ['DisplayName', name]
            ],
        permission
      )
    )
  )

/** The `x-cos-acl` header of an ACL. */
export const cannedAclOf = (acl: Acl): string => {
  if (acl.complete !== true) return acl.acl
  const { read, write } = anyoneMay(acl)
  if (!read) return acl.acl
  return write ? 'public-read-write' : 'public-read'
}

/** `AccessControlPolicy`: the owner's grant, those of `x-cos-acl`, and the others. */
export const writeAcl = (bucket: string, acl: Acl): Xml => {
  const owner = ownerOf(bucket)
  const anyone: ReadonlyArray<Xml> = [['URI', everyone]]
  const all: ReadonlyArray<Xml> = [
    ...(acl.complete === true
      ? []
      : [grantRow(typeof owner[1] === 'string' ? [] : owner[1], 'FULL_CONTROL')]),
    ...(acl.acl.startsWith('public-read') ? [grantRow(anyone, 'READ')] : []),
    ...(acl.acl === 'public-read-write' ? [grantRow(anyone, 'WRITE')] : []),
    ...grantRows(acl)
  ]
  return ['AccessControlPolicy', [owner, ['AccessControlList', all]]]
}
