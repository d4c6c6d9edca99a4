import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** An HTTP request that a method makes. */
export interface MethodRequest {
  readonly verb: string
  /** With an id in place of each parameter. */
  readonly path: string
}

/** A method of the client or of one of its resources. */
export interface SdkMethod {
  /** `beta.conversations.start` */
  readonly name: string
  /** Empty for a method that is made of others. */
  readonly requests: readonly MethodRequest[]
}

/**
 * Every method of every resource of a client, with the requests of the functions that it calls: the SDK is
 * not minified, and each of them writes its path and its verb.
 *
 * @param folder where the SDK has its functions.
 */
export function sdkMethods(client: object, folder: string): readonly SdkMethod[] {
  const requests = requestsOf(folder)
  const found: SdkMethod[] = []
  const walk = (resource: object, path: string): void => {
    for (const [name, property] of ownProperties(resource)) {
      if (property.get !== undefined) {
        const below: unknown = Reflect.get(resource, name)
        if (isResource(below)) walk(below, `${path}${name}.`)
      } else if (typeof property.value === 'function') {
        const called = String(property.value).matchAll(/\b(\w+)\)?\(this,/g)
        const made = [...called].flatMap(([, func = '']) => requests.get(func) ?? [])
        found.push({ name: path + name, requests: made })
      }
    }
  }
  walk(client, '')
  return found
}

function requestsOf(folder: string): Map<string, MethodRequest> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'))
  return new Map(
    files.map((file) => {
      const source = readFileSync(join(folder, file), 'utf8')
      const [, template = ''] = /pathToFunc\)?\("([^"]+)"\)/.exec(source) ?? []
      const [, verb = ''] = /method: "([A-Z]+)"/.exec(source) ?? []
      const path = template.replace(/#.*/, '').replaceAll(/\{\w+\}/g, 'id')
      return [file.slice(0, -'.js'.length), { verb, path }]
    }),
  )
}

/** Of the SDK's own classes, and not of the one that all of them have in common. */
function ownProperties(resource: object): [string, PropertyDescriptor][] {
  const prototype = Object.getPrototypeOf(resource) as object
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
    ([name]) => name !== 'constructor' && !name.startsWith('_'),
  )
}

function isResource(value: unknown): value is object {
  return typeof value === 'object' && value !== null && '_options' in value
}
