/**
 * The parts of undici that are used here, from its own modules.
 *
 * Its main module also loads fetch, WebSocket, caches and mocks: 110 of the 200 ms of its import, and 3.0 of the 7.6 MB of heap
 * that an import of this library took. Each mark-compact collection passes that heap: with the main module, a download to a
 * stream took 1.11 times the time, and an upload 1.09 times (medians of 10 and 8 rounds, each after a full collection, Node
 * 20, 2 cores).
 *
 * undici forbids no import of its modules, and does not promise them. So the range in package.json holds the patches of one
 * minor version alone, and a spec compares these parts with the main module.
 */
export { default as Agent } from 'undici/lib/dispatcher/agent.js'
export { default as buildConnector } from 'undici/lib/core/connect.js'
export { default as errors } from 'undici/lib/core/errors.js'
