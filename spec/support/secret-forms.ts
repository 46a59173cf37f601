/** The forms in which a secret could be shown by an inspection, a JSON or a text. */
import { inspect } from 'node:util'

/** The starts of all forms of bytes: text, hex, hex of an inspected buffer, base64, and numbers of a JSON and of an array. */
export const secretForms = (bytes: Buffer): ReadonlyArray<string> => [
  bytes.toString('latin1').slice(0, 12),
  bytes.toString('hex').slice(0, 24),
  bytes
    .toString('hex')
    .replace(/(..)(?!$)/g, '$1 ')
    .slice(0, 30),
  bytes.toString('base64').slice(0, 16),
  [...bytes.subarray(0, 8)].join(','),
  [...bytes.subarray(0, 8)].join(', ')
]

/** All that a value shows of itself. */
export const shownForms = (value: unknown): string => {
  const plain = inspect(value, {
    depth: 12,
    showHidden: true,
    maxArrayLength: 1000,
    maxStringLength: 100_000
  })
  const json = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each))
  return `${plain}\n${json}`
}
