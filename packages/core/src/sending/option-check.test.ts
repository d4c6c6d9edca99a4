import { expect, test } from 'vitest'
import { ConfigError } from '../errors/config-error.ts'
import {
  isAboveZero,
  isCount,
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
  check('cost', false, "'billed' or false", isOneOf('billed', false))
  check('timeoutMs', 1, 'a whole number', isCount)
  check('timeoutMs', 2 ** 31 - 1, 'a whole number', isTimerMs)
  check('rate', Infinity, 'a number above 0', isAboveZero)
})

test.each([
  ['', isText],
  [7, isText],
  ['a', isFunction],
  ['provided', isOneOf('billed', false)],
  [0, isCount],
  [1.5, isCount],
  ['1', isCount],
  [2 ** 31, isTimerMs],
  [0, isTimerMs],
  [NaN, isAboveZero],
  [0, isAboveZero],
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
