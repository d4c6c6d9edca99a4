import { expect, test } from 'vitest'
import { cutJson } from './cut-json.ts'

const answer = {
  id: 'x',
  choices: [{ message: { content: 'a "b" \\ \u00e9 [1, {2}]' }, n: 10 }],
  usage: { a: 120, b: [1, 2] },
}
const text = JSON.stringify(answer).replace('\u00e9', '\\u00e9')

test('an object is known whatever follows it', () => {
  expect(cutJson(`\uFEFF ${text}garbage}`)).toEqual({ value: answer, isWhole: true })
})

test('one that breaks off anywhere is closed there', () => {
  for (let length = 1; length < text.length; length++) {
    const cut = cutJson(text.slice(0, length))
    expect(cut, text.slice(0, length)).toMatchObject({ isWhole: false })
    expect(JSON.stringify(answer)).toContain(
      JSON.stringify(cut?.value)
        .replace(/["}\]]*$/, '')
        .replace(/\\$/, ''),
    )
  }
})

test.each(['', 'x{"a":1}', '[1]', '{"a" 1}'])('%j has none', (none) => {
  expect(cutJson(none)?.isWhole ?? false).toBe(false)
})
