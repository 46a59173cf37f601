import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { eventReader, type SelectEvent } from '../../../lib/core/event-stream.js'
import { writeEvent } from '../../../lib/emulator/select/messages.js'
import { recordedMessages } from '../../support/select-messages.js'

t.test('each message equals the recorded one byte for byte', async (t) => {
  for (const { name, hex, event } of recordedMessages()) {
    const output: SelectEvent =
      event._tag === 'Records' ? { _tag: 'Records', bytes: Buffer.from(event.text) } : event
    t.equal(writeEvent(output).toString('hex'), hex, name)
  }
})

t.test('an error message of any text fits a header', async (t) => {
  for (const message of ['\0\n\x7f', '腾'.repeat(70_000), `${'x'.repeat(999)}😀`]) {
    const folding = eventReader()
    const read = folding.step(writeEvent({ _tag: 'Error', code: 'CastFailed', message }))
    t.match(read, E.right([{ _tag: 'Error', code: 'CastFailed' }]))
    const [error] = E.isRight(read) ? read.right : []
    // eslint-disable-next-line no-control-regex
    t.notMatch(error?._tag === 'Error' ? error.message : '\0', /[\0-\x1f\x7f]/)
  }
})
