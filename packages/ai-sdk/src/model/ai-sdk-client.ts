/**
 * A model of the AI SDK by its shape, of any kind and of specification V2 (ai 5), V3 (ai 6) or V4
 * (ai 7). Never by class: an application can hold two copies of a provider package.
 */
export interface AiSdkModel {
  readonly specificationVersion: string
  /** Such as `openai.responses`. */
  readonly provider: string
  readonly modelId: string
}

/** What makes models: `createOpenAI()`, `createGateway()`, `customProvider()`, a registry. */
export interface AiSdkModelFactory {
  languageModel(modelId: never): object
}

/** What `meter` takes. */
export type AiSdkClient = AiSdkModel | AiSdkModelFactory

const doMethod = /^do[A-Z]/

/** True for what has the shape of a model. */
export function isModel(value: unknown): value is AiSdkModel {
  if (typeof value !== 'object' || value === null) return false
  const { specificationVersion, provider, modelId } = value as Partial<AiSdkModel>
  if (typeof provider !== 'string' || typeof modelId !== 'string') return false
  if (typeof specificationVersion !== 'string' || !/^v[2-9]$/.test(specificationVersion)) {
    return false
  }
  return hasDoMethod(value)
}

function hasDoMethod(model: object): boolean {
  for (let owner = model; owner !== null; owner = Object.getPrototypeOf(owner) as object) {
    if (Object.getOwnPropertyNames(owner).some((name) => doMethod.test(name))) return true
  }
  return false
}

/** True for what has the shape of a provider. */
export function isModelFactory(value: object): value is AiSdkModelFactory {
  return typeof (value as Partial<AiSdkModelFactory>).languageModel === 'function'
}
