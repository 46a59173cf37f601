/** Known bugs, each as one replacement in a source file. `npm run sim -- --mutants` puts them back one at a time. */
export const mutants = [
  {
    name: 'a body that broke off is requested again from its start',
    file: 'lib/client/range-reader.ts',
    text: 'sendOperation(open(etag, { first: position, last: range.last }), client)',
    by: 'sendOperation(open(etag, { first: range.first, last: range.last }), client)'
  },
  {
    name: 'a body that broke off ends the stream',
    file: 'lib/client/range-reader.ts',
    text: 'if (!isTransient(error) || failures >= client.retry.attempts) throw new CosException(error)',
    by: 'throw new CosException(error)'
  },
  {
    name: 'Retry-After is not read',
    file: 'lib/client/retry.ts',
    text: 'retryAfter(error, now) ??',
    by: ''
  },
  {
    name: 'a closed connection is not retried',
    file: 'lib/client/retry.ts',
    text: "case 'TransportError':\n      return true",
    by: "case 'TransportError':\n      return false"
  },
  {
    name: 'a timeout is not retried',
    file: 'lib/client/retry.ts',
    text: "return error.phase !== 'overall'",
    by: 'return false'
  },
  {
    name: 'a 5xx is not retried',
    file: 'lib/client/retry.ts',
    text: '(error.status >= 500 && error.status !== 501) ||',
    by: ''
  },
  {
    name: 'the timer of a request is not started',
    file: 'lib/client/timeouts.ts',
    text: 'if (at < firesAt) arm(since, at)',
    by: 'if (at < 0) arm(since, at)'
  },
  {
    name: 'the timer of a request is not stopped',
    file: 'lib/client/timeouts.ts',
    text: '    closed = true\n    stopTimer()',
    by: '    closed = true'
  },
  {
    name: 'an abort does not end a request',
    file: 'lib/client/timeouts.ts',
    text: 'removeListeners = onAbort(signals, (reason) => {',
    by: 'removeListeners = onAbort([], (reason) => {'
  },
  {
    name: 'the clock is not corrected',
    file: 'lib/client/clock.ts',
    text: 'else if (time !== undefined && isClockSkewError(error)) clock.set(time)',
    by: ''
  },
  {
    name: 'checksums are not compared',
    file: 'lib/core/integrity.ts',
    text: 'return expected.value === got.value',
    by: 'return expected.value !== -1n'
  },
  {
    name: 'the completion whose response was lost is a failure',
    file: 'lib/transfers/multipart/complete-upload.ts',
    text: "O.isSome(expected.crc64) && (code === 'NoSuchUpload' || status === 409)",
    by: 'O.isSome(expected.crc64) && status === 409'
  },
  {
    name: 'the parts of a failed upload stay',
    file: 'lib/transfers/multipart/clean-up.ts',
    text: "if (onFailure === 'keep') return () => settle(true)",
    by: "if (onFailure !== 'never') return () => Promise.resolve(gone)"
  },
  {
    name: 'the error of a failed upload does not name orphaned uploads',
    file: 'lib/transfers/multipart/clean-up.ts',
    text: 'const gone = withUploads(others)(failure)',
    by: 'const gone = failure'
  },
  {
    name: 'concurrency is not limited',
    file: 'lib/stages/map-concurrent.ts',
    text: 'return wanted >= 1 ? wanted : 1',
    by: 'return wanted + 3'
  },
  {
    name: 'a part has the number of the part before it',
    file: 'lib/stages/cut-parts.ts',
    text: 'number += 1\n            partFrom = offset',
    by: 'number += Math.min(1, 3 - number)\n            partFrom = offset'
  },
  {
    name: 'a range is written to the start of the file',
    file: 'lib/transfers/download/fill-ranges.ts',
    text: 'const writer = rangeWriter(target, range.offset)',
    by: 'const writer = rangeWriter(target, range.offset % 100_000)'
  },
  {
    name: 'a journal of another object is resumed',
    file: 'lib/files/partial-file.ts',
    text: 'if (JSON.stringify(first) !== JSON.stringify(header(identity))) return O.none',
    by: ''
  },
  {
    name: 'the second batch of a range overwrites the first',
    file: 'lib/transfers/download/fill-ranges.ts',
    text: '    offset += size\n',
    by: ''
  },
  {
    name: 'the lock of a dead process keeps others out',
    file: 'lib/files/process-identity.ts',
    text: 'if (!exists(pid)) return false',
    by: 'if (!exists(pid)) return true'
  },
  {
    name: 'a recorded range is not compared with the file',
    file: 'lib/transfers/download/fill-ranges.ts',
    text: 'return O.isSome(found) && found.value === recorded ? found : O.none',
    by: 'return O.isSome(found) ? O.some(recorded) : O.none'
  },
  {
    name: 'a copied part has the byte before it in place of its last',
    file: 'lib/transfers/copy/options.ts',
    text: 'copySourceRange: { first, last }',
    by: 'copySourceRange: { first: Math.max(0, first - 1), last: Math.max(first - 1, last - 1) }'
  }
]
