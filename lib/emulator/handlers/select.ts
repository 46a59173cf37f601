/** SELECT Object Content: not done yet, and said so. */
import type { Handler } from '../call.js'
import { refuse } from '../refusal.js'

export const selectObjectContent: Handler = () => async () =>
  refuse('NotImplemented', 'The emulator does not run SQL.')
