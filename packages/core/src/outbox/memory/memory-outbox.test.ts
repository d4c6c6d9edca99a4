import { describeOutbox } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { memoryOutbox } from './memory-outbox.ts'

describeOutbox('memoryOutbox', { open: (now) => memoryOutbox({ now }) })

test('it says that it does not last', () => {
  expect(memoryOutbox()).toMatchObject({ description: 'memory', durable: false })
})
