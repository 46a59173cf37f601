/** `cospipe/testing`: virtual time, and a service without sockets, for the tests of programs that use cospipe. */
export type { FakeFailure, FakeRequest, FakeResponse } from './fake-service.js'
export { createFakeService } from './fake-service.js'
export { seededRandom } from './seeded-random.js'
export type { VirtualTime, VirtualTimeOptions } from './virtual-time.js'
export { createVirtualTime } from './virtual-time.js'
export type { Runtime } from '../core/runtime.js'
