import { checkKeys, optionCheck } from '../errors/option-check.ts'
import { isPlain } from '../lib/json.ts'
import { modelSlug } from '../usage/model-slug.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { type Usd, checkedDecimal } from './model-price.ts'
import type { Decimal } from '../usage/decimal.ts'

/** Percent, such as `20` or `'12.5'`; below 0 is a discount, and -100 is free. */
export type Percent = Usd

/** The most particular that names a record decides: its customer, its model, its provider, the default. */
export interface Markups {
  /** @default 0 */
  readonly default?: Percent | undefined
  /** By provider: `{ openai: 10 }`. */
  readonly providers?: Readonly<Record<string, Percent>> | undefined
  /** By slug (`openai/gpt-5.4`, see `modelSlug`) or by the provider's own name of the model. */
  readonly models?: Readonly<Record<string, Percent>> | undefined
  readonly customers?: Readonly<Record<string, Percent>> | undefined
}

const least = -100

/**
 * By how much a record's cost is multiplied.
 * @throws ConfigError when a percentage is no number, or below -100.
 */
export function markupOf(option: Percent | Markups = 0): (record: UsageRecord) => Decimal {
  if (typeof option !== 'object' || option === null) {
    const factor = factorOf('markup', option)
    return () => factor
  }
  checkKeys<Markups>('markup', option, {
    default: true,
    providers: true,
    models: true,
    customers: true,
  })
  const general = factorOf('markup.default', option.default ?? 0)
  const providers = factors('providers', option.providers)
  const models = factors('models', option.models)
  const customers = factors('customers', option.customers)
  return (record) =>
    (record.customer === null ? undefined : customers.get(record.customer)) ??
    (models.size > 0 ? ofModel(models, record) : undefined) ??
    providers.get(record.provider) ??
    general
}

function ofModel(
  models: ReadonlyMap<string, Decimal>,
  { provider, model }: UsageRecord,
): Decimal | undefined {
  return models.get(modelSlug(provider, model)) ?? models.get(model)
}

function factors(name: string, percents: Readonly<Record<string, Percent>> = {}) {
  optionCheck('cost')(`markup.${name}`, percents, 'an object, such as { name: 20 }', isPlain)
  return new Map(
    Object.entries(percents).map(([key, percent]) => [
      key,
      factorOf(`markup.${name}["${key}"]`, percent),
    ]),
  )
}

function factorOf(what: string, percent: unknown): Decimal {
  return checkedDecimal(what, percent, least).plus(100).times('0.01')
}
