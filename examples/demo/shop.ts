const origins = ['Assam', 'Ceylon', 'Darjeeling', 'Kenya', 'Nepal', 'Nilgiri', 'Uji', 'Yunnan']
const kinds = [
  'black',
  'breakfast',
  'chai',
  'Earl Grey',
  'green',
  'jasmine',
  'oolong',
  'smoked',
  'white',
]

const teas = origins.flatMap((origin) => kinds.map((kind) => `${origin} ${kind}`))
const lines = teas.map(
  (tea, index) => `- ${tea}, tin of 100 g, ${(6 + (index % 9) * 0.4).toFixed(2)}`,
)

/** A system prompt long enough (over 1,024 tokens) for a provider to cache it. */
export const shopPrompt = `You answer for a tea shop, in one or two short sentences without any markup.
Look up the stock before you promise anything. What the shop sells:
${lines.join('\n')}`

/** How many tins of a tea the shop has. */
export function tinsInStock(tea: string): number {
  return tea.includes('Earl Grey') ? 7 : 24
}
