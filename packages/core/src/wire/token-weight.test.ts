import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { tokenWeight, weightOfToken } from './token-weight.ts'

const samples: readonly [kind: string, text: string][] = [
  [
    'English',
    `Every evening the lighthouse keeper climbed the narrow stairs, wiped the salt from the glass
and lit the lamp. Ships passed without a word; he knew most of them by the rhythm of their engines.
When the fog came in, he rang the bell once a minute and counted the answers.`,
  ],
  [
    'German',
    `Jeden Abend stieg der Leuchtturmwärter die schmale Treppe hinauf, wischte das Salz von der
Scheibe und zündete die Lampe an. Die Schiffe zogen wortlos vorüber; die meisten erkannte er am
Rhythmus ihrer Maschinen. Bei Nebel läutete er einmal in der Minute die Glocke.`,
  ],
  [
    'TypeScript',
    `export async function readLines(path: string, limit = 100): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (lines.length >= limit) break
    lines.push(line.trimEnd())
  }
  return lines
}`,
  ],
  [
    'JSON',
    JSON.stringify({
      orders: [
        { id: 48213, sku: 'LAMP-220', quantity: 2, price: 19.95, shipped: true, notes: null },
        { id: 48214, sku: 'BELL-075', quantity: 1, price: 240, shipped: false, notes: 'fragile' },
      ],
      page: { next: 'b7f3c2', size: 2, total: 1187 },
    }),
  ],
  [
    'Chinese',
    `每天傍晚，灯塔看守人都会爬上狭窄的楼梯，擦去玻璃上的盐，点亮灯。船只默默驶过，他能从发动机的节奏
认出其中的大多数。起雾的时候，他每分钟敲一次钟，数着回应的声音。`,
  ],
  [
    'Russian',
    `Каждый вечер смотритель маяка поднимался по узкой лестнице, стирал соль со стекла и зажигал
лампу. Корабли проходили молча; большинство из них он узнавал по ритму двигателей.`,
  ],
]

describe('the heuristic, beside o200k', () => {
  test.each(samples)('%s comes within 35 %%', (_, text) => {
    const counted = countTokens(text)
    expect(Math.abs(tokenWeight(text) / weightOfToken / counted - 1)).toBeLessThan(0.35)
  })

  test('all of them together come within 10 %', () => {
    const text = samples.map(([, sample]) => sample).join('\n')
    expect(Math.abs(tokenWeight(text) / weightOfToken / countTokens(text) - 1)).toBeLessThan(0.1)
  })
})

test('every character weighs something', () => {
  for (let code = 0; code < 0x10000; code++) {
    expect(tokenWeight(String.fromCharCode(code))).toBeGreaterThan(0)
  }
})
