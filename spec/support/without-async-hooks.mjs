/**
 * Loaded ahead of the specs: tap gets an async hook that does nothing.
 *
 * With its hook, tap knows of each promise, timer and socket which test made it, so that it can name the test of an
 * unhandled rejection. That cost 4 to 15 % of the CPU of two layers (Node 20.20). Without it, such an error ends the process,
 * which fails, and the stack trace names the place.
 */
import asyncHooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

const { createHook } = asyncHooks

const inactive = {
  enable: () => inactive,
  disable: () => inactive
}

// Of the users of hooks, tap alone counts the resources that are destroyed.
asyncHooks.createHook = (callbacks) => (callbacks.destroy === undefined ? createHook(callbacks) : inactive)
syncBuiltinESMExports()
