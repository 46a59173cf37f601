/**
 * Loaded ahead of every spec by `npm run fuzz`: each property is tried FUZZ times as often, or 100 times.
 *
 * A property that names its own `numRuns` keeps it, so name one only where a single run is dear.
 */
import fc from 'fast-check'

const times = Number(process.env['FUZZ'] ?? 100)

fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: 100 * times })
