/** The parts of a configuration that are about money: what usage costs, and prepaid credit. */
import * as z from 'zod'

const text = () => z.string().min(1)
const count = () => z.int().min(1)
/** Money and tokens are decimal text. */
const amount = () => z.string().regex(/^\d+(\.\d+)?$/, 'must be decimal text, such as "0.05"')

const prices = z.union([z.literal('genai'), z.record(text(), z.record(text(), z.unknown()))])

export const costSchema = z.strictObject({
  prices: z
    .union([prices, z.array(prices)])
    .optional()
    .describe(
      'What providers charge: "genai" (list prices of most models), a table of your own, such as { "openai/gpt-5.4": { "input": "2.5", "output": "15" } } in USD per million tokens, or several, of which the first that knows a model decides. Default: "genai".',
    ),
  markup: z
    .union([z.number(), z.string(), z.record(text(), z.unknown())])
    .optional()
    .describe(
      'What is added for the customer, in percent: 20, or by provider, model and customer as docs/cost.md has it. Default: 0.',
    ),
  reported: z
    .boolean()
    .optional()
    .describe(
      'Whether a cost that an answer states stands in place of one by prices. Default: true.',
    ),
})

const limit = {
  usd: amount().optional().describe('The limit in dollars, as text: "500".'),
  tokens: amount().optional().describe('The limit in tokens, as text: "1000000".'),
}

const pool = z.strictObject({
  id: text().describe('What keys name it by.'),
  ...limit,
  period: z.enum(['hour', 'day', 'week', 'month']).describe('After which it begins again.'),
  timeZone: text().optional().describe('Default: UTC.'),
  rollover: z
    .boolean()
    .optional()
    .describe('Whether what a period leaves is added to the next. Default: false.'),
  soft: z
    .array(z.number())
    .optional()
    .describe('Percents that are told when they are spent. Default: [80, 100].'),
  hard: z.boolean().optional().describe('Whether calls are refused beyond it. Default: true.'),
})

const plan = z.strictObject({
  id: text(),
  ...limit,
  period: z.enum(['day', 'week', 'month', 'year']),
  every: count().optional().describe('How many of them are one period. Default: 1.'),
  times: count().optional().describe('How many periods it is for. Default: for ever.'),
  timeZone: text().optional().describe('Default: UTC.'),
  priority: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('Of its grants, 0 is drawn first. Default: 50.'),
  default: z
    .boolean()
    .optional()
    .describe('Whoever has no other plan has this one. Default: false.'),
})

const guard = z.strictObject({
  defaultMaxOutput: count()
    .optional()
    .describe('Tokens of output held for a call that does not cap them. Default: 4096.'),
  modelMaxOutput: z
    .record(text(), count())
    .optional()
    .describe('The most tokens that a model can write, by model: less is held then.'),
  estimate: z
    .enum(['likely', 'bound'])
    .optional()
    .describe('How input is counted before a call. Default: likely.'),
  unbounded: z
    .enum(['hold', 'refuse'])
    .optional()
    .describe('Calls whose input is not all in the request. Default: hold.'),
  unboundedInput: z
    .int()
    .min(0)
    .optional()
    .describe('Tokens held for what is not in the request. Default: 8192.'),
  unknownPrice: z
    .union([z.literal('refuse'), z.strictObject({ usd: amount() })])
    .optional()
    .describe('Calls of which no price is known. Default: refuse.'),
  unknownCustomer: z
    .enum(['refuse', 'allow'])
    .optional()
    .describe('Calls of customers without an account, and of nobody. Default: refuse.'),
  onStoreError: z
    .enum(['refuse', 'allow'])
    .optional()
    .describe('Calls while the books cannot be asked. Default: refuse.'),
  holdTimeoutMs: count()
    .optional()
    .describe('How long a call waits for its hold, in ms. Default: 2000.'),
  leaseMs: count()
    .optional()
    .describe('How long a hold stands without a sign of life, in ms. Default: 60000.'),
  onExhausted: z
    .enum(['finish', 'extend'])
    .optional()
    .describe('Streams beyond their hold. Default: finish.'),
})

export const creditsSchema = z.strictObject({
  guard: guard.optional().describe('How calls are decided: docs/credits.md.'),
  pools: z.array(pool).optional().describe('Limits that keys, teams or customers share.'),
  plans: z.array(plan).optional().describe('What customers are given again and again.'),
  lowAt: z
    .array(z.number())
    .optional()
    .describe('At how many percent of the last grant it is told that it is low. Default: [20, 5].'),
})
