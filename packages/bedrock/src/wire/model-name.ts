/** What the `modelId` of a request says of the model. */
export interface NamedModel {
  /** The model as price lists name it; of what only AWS knows, the kind and the id of it. */
  readonly name: string
  /** The id stands for a model without naming it: a profile, a deployment, a router of one's own. */
  readonly isOpaque: boolean
}

/** Resources whose id is that of the model, or of AWS's own profile for it: `us.anthropic.claude-...` */
const naming = /^(?:foundation-model|inference-profile)\/(.+)$/

/**
 * The model that a model id or an ARN names. A profile's region stays in front (`us.`, `eu.`, `apac.`,
 * `global.`), because it has a price of its own; of other ARNs the account and region are left out.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrock.html
 */
export function namedModel(modelId: string): NamedModel {
  const resource = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.+)$/.exec(modelId)?.[1]
  if (resource === undefined) return { name: modelId, isOpaque: false }
  const named = naming.exec(resource)?.[1]
  return named === undefined ? { name: resource, isOpaque: true } : { name: named, isOpaque: false }
}

/**
 * The model of an answer.
 *
 * @param modelId what the request named.
 * @param said what the answer names: the one that a prompt router chose, or that stands in the body of
 * the model's maker, which has names of its own.
 */
export function modelOf(
  modelId: unknown,
  said: { readonly routed?: string | undefined; readonly body?: string | undefined } = {},
): string | undefined {
  if (said.routed !== undefined) return namedModel(said.routed).name
  if (typeof modelId !== 'string' || modelId === '') return said.body
  const { name, isOpaque } = namedModel(modelId)
  return isOpaque ? (said.body ?? name) : name
}
