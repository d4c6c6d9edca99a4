import { expect, test } from 'vitest'
import { ConfigError } from './errors.ts'
import {
  checkKeys,
  hasMethod,
  isAboveZero,
  isCount,
  isDuration,
  isFiniteDuration,
  isFunction,
  isOneOf,
  isText,
  isTimerMs,
  optionCheck,
} from './option-check.ts'

const check = optionCheck('aSink')

test('what is right passes', () => {
  check('name', 'a', 'a string', isText)
  check('slug', () => 'a', 'a function', isFunction)
  check('client', { post: () => {} }, 'a client', hasMethod('post'))
  check('cost', false, "'billed' or false", isOneOf('billed', false))
  check('timeoutMs', 1, 'a whole number', isCount)
  check('timeoutMs', 2 ** 31 - 1, 'a whole number', isTimerMs)
  check('rate', Infinity, 'a number above 0', isAboveZero)
})

test.each([
  ['', isText],
  [7, isText],
  ['a', isFunction],
  [null, hasMethod('post')],
  [undefined, hasMethod('post')],
  [{ post: 'a' }, hasMethod('post')],
  ['provided', isOneOf('billed', false)],
  [0, isCount],
  [1.5, isCount],
  ['1', isCount],
  [2 ** 31, isTimerMs],
  [0, isTimerMs],
  [NaN, isAboveZero],
  [0, isAboveZero],
  ['', isDuration],
  [null, isDuration],
  [NaN, isDuration],
  [-1, isDuration],
  [Infinity, isFiniteDuration],
  ['5', isFiniteDuration],
] as const)('%j is wrong', (value, isRight) => {
  expect(() => check('it', value, 'another', isRight)).toThrow(ConfigError)
})

test('a number is shown, and a text, which may be a key, is not', () => {
  expect(() => check('rate', -1, 'a number above 0', isAboveZero)).toThrow(
    /^aSink: rate must be a number above 0, got -1$/,
  )
  expect(() => check('client', 'SECRET', 'a client', isFunction)).toThrow(
    /^aSink: client must be a client, got a value of type string$/,
  )
})

interface Options {
  readonly sinks?: readonly string[]
  readonly retentionMs?: number
}
const known = { sinks: true, retentionMs: true } as const
const keys = (given: unknown) => checkKeys<Options>('aMeter', given, known)

test('known options pass, left out or undefined', () => {
  keys({})
  keys({ sinks: [], retentionMs: undefined })
})

test.each([
  [
    { sink: ['SECRET'] },
    'aMeter: there is no option "sink", did you mean "sinks"? It takes sinks, retentionMs',
  ],
  [{ plugins: 'SECRET' }, 'aMeter: there is no option "plugins". It takes sinks, retentionMs'],
  [{ constructor: 1 }, 'aMeter: there is no option "constructor". It takes sinks, retentionMs'],
  [{ sinks: null }, 'aMeter: sinks is null; leave it out for its default'],
  [undefined, 'aMeter takes an object of options, got undefined'],
  [null, 'aMeter takes an object of options, got null'],
  [-1, 'aMeter takes an object of options, got -1'],
  ['SECRET', 'aMeter takes an object of options, got a value of type string'],
  [[], 'aMeter takes an object of options, got an array'],
])('%j is no object of its options', (given, message) => {
  expect(() => keys(given)).toThrow(new ConfigError(message))
})
