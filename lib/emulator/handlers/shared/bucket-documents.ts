/** Checks a configuration document before it is stored. Documents are stored as received, except for what COS itself changes. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Element } from '../../../core/element.js'
import { type ConfigurationName, configurations } from '../../http/configurations.js'
import { parseXml } from '../../http/read-body.js'
import { type ServiceError, fail, serviceError } from '../../http/service-error.js'
import { readCorsRules } from './cors.js'

type Checked = E.Either<ServiceError, string>

const capitalize = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const capitalizeNames = (policy: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(policy).map(([name, value]) => [name === 'version' ? name : capitalize(name), value])
  )

const parseJson = (text: string): E.Either<ServiceError, unknown> =>
  E.tryCatch(
    (): unknown => JSON.parse(text),
    () => serviceError('MalformedPolicy')
  )

/** A policy. COS accepts `statement`, and returns `Statement`. The keys of a statement stay as they are. */
const checkPolicy = (text: string): Checked =>
  pipe(
    parseJson(text),
    E.chain((policy) => {
      const renamed = isObject(policy) ? capitalizeNames(policy) : {}
      return Array.isArray(renamed['Statement'])
        ? E.right(JSON.stringify(renamed))
        : fail('InvalidArgument', 'A policy must be an object with a list of statements.')
    })
  )

const maxBucketTags = 50

/** Distinct keys of 1 to 127 characters. */
const checkTags = (text: string, rows: ReadonlyArray<Element>): Checked => {
  const tags = rows.filter(({ name }) => name === 'TagSet').flatMap(({ children }) => children)
  const keys = tags.map(({ children }) => children.find(({ name }) => name === 'Key')?.text ?? '')
  const isValid = keys.every((key) => key !== '' && key.length <= 127) && new Set(keys).size === keys.length
  return isValid && keys.length <= maxBucketTags ? E.right(text) : fail('InvalidTag')
}

const checks: Partial<
  Readonly<Record<ConfigurationName, (text: string, rows: ReadonlyArray<Element>) => Checked>>
> = {
  Cors: (text, rows) =>
    pipe(
      readCorsRules(rows),
      E.map(() => text)
    ),
  // The Node and Python SDKs send the first name, and read the second.
  Encryption: (text) =>
    E.right(text.replaceAll('ApplySideEncryptionConfiguration', 'ApplyServerSideEncryptionByDefault')),
  Tagging: checkTags,
  // COS adds the default.
  Website: (text) =>
    E.right(
      text.replaceAll(
        /<Redirect>(?:(?!<URLRedirect>).)*?(?=<\/Redirect>)/gs,
        '$&<URLRedirect>Enabled</URLRedirect>'
      )
    )
}

/** The document to store. */
export const checkDocument = (name: ConfigurationName, document: Uint8Array): Checked => {
  const text = Buffer.from(document).toString()
  const { root } = configurations[name]
  if (root === undefined) return checkPolicy(text)
  return pipe(
    parseXml(document, root),
    E.chain((rows) => checks[name]?.(text, rows) ?? E.right(text))
  )
}
