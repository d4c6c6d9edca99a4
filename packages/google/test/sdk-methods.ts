/** Properties of modules that are the SDK's plumbing, and helpers that its types hide. */
const hidden = new Set([
  'constructor',
  'apiClient',
  'auth',
  'modelsModule',
  'parentClient',
  'webSocketFactory',
  'sdk',
  'getClient',
  '_client',
  'generateContentWithContinuation',
  'generateContentStreamWithContinuation',
  'maybeMoveToResponseJsonSchema',
  'processParamsMaybeAddMcpUsage',
  'initAfcToolsMap',
  'processAfcStream',
  'createInlinedGenerateContentRequest',
  'createInlinedEmbedContentRequest',
  'getGcsUri',
  'getBigqueryUri',
  'formatDestination',
  'isCallableTool',
])

/** Every method of a client, by its path: `models.generateContent`, `live.music.connect`, ... */
export function sdkMethods(client: object): readonly string[] {
  const names = namesOf(client).filter((name) => !name.startsWith('_') && name !== 'apiClient')
  return names.flatMap((name) => {
    const module: unknown = Reflect.get(client, name)
    return isModule(module) ? methodsOf(module, name) : []
  })
}

function methodsOf(module: object, path: string): readonly string[] {
  return namesOf(module).flatMap((name) => {
    if (hidden.has(name) || name.endsWith('Internal')) return []
    const value: unknown = Reflect.get(module, name)
    if (typeof value === 'function') return [`${path}.${name}`]
    return isModule(value) ? methodsOf(value, `${path}.${name}`) : []
  })
}

function isModule(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype !== Object.prototype && prototype !== Array.prototype
}

function namesOf(value: object): string[] {
  const names = new Set<string>()
  for (
    let owner = value;
    owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object
  ) {
    for (const name of Object.getOwnPropertyNames(owner)) names.add(name)
  }
  return [...names]
}
