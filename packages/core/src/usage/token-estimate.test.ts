import { describe, expect, test } from 'vitest'
import { TokenEstimate } from './token-estimate.ts'

const english =
  'The quick brown fox jumps over the lazy dog, and then it runs away into the forest. '

describe('TokenEstimate', () => {
  test.each([
    // Counted with o200k.
    ['English', english.repeat(10), 190],
    [
      'German',
      'Der schnelle braune Fuchs springt über den faulen Hund und läuft davon. '.repeat(10),
      170,
    ],
    ['Chinese', '敏捷的棕色狐狸跳过了懒狗然后跑进了森林里'.repeat(10), 165],
  ])('%s comes within a quarter', (_, text, tokens) => {
    const estimate = new TokenEstimate()
    estimate.add(text)
    expect(Math.abs(estimate.tokens - tokens) / tokens).toBeLessThan(0.25)
  })

  test('is the same however the text was cut', () => {
    const whole = new TokenEstimate()
    whole.add(english)
    const pieces = new TokenEstimate()
    for (const character of english) pieces.add(character)
    expect(pieces.tokens).toBe(whole.tokens)
  })

  test('finds the text in a request, and leaves inlined files and links out', () => {
    const estimate = new TokenEstimate()
    estimate.addStrings([
      { role: 'user', content: 'abcd' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(9999)}` } },
        ],
      },
      { input_audio: { data: 'A'.repeat(9999) }, file_data: 'A'.repeat(9999) },
      undefined,
      null,
      7,
    ])
    expect(estimate.tokens).toBeLessThan(20)
  })

  test('survives what refers to itself', () => {
    const circular: unknown[] = ['abcd']
    circular.push(circular)
    const estimate = new TokenEstimate()
    estimate.addStrings(circular)
    expect(estimate.tokens).toBeGreaterThan(0)
  })
})
