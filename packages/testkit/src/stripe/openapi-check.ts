import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import { parse } from 'qs'
import { parseJson } from '../http/parse-json.ts'
import type { FakeRequest } from '../http/fake-request.ts'

/** Checks a request against Stripe's own API description; the answer is what is wrong with it. */
export type OpenApiCheck = (request: FakeRequest) => readonly string[]

/** By the description in a file, which is read once. */
export function openApiCheck(file: string): OpenApiCheck {
  const description = descriptions.get(file) ?? read(file)
  descriptions.set(file, description)
  return (request) => check(description, request)
}

const descriptions = new Map<string, OpenApiDescription>()

function read(file: string): OpenApiDescription {
  return JSON.parse(readFileSync(file, 'utf8')) as OpenApiDescription
}

interface OpenApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> }
}

const validators = new WeakMap<Operation, ValidateFunction>()

function check(description: OpenApiDescription, request: FakeRequest): readonly string[] {
  const method = request.method.toLowerCase()
  const operation = description.paths[request.path]?.[method]
  if (operation === undefined) return [`no operation ${request.method} ${request.path}`]
  const sent = String(request.headers['content-type']).split(';')[0] ?? ''
  // Clients send an empty object where the description has no body.
  if (operation.requestBody === undefined) return []
  if (operation.requestBody.content[sent] === undefined) return [`content-type ${sent}`]
  const isForm = sent === 'application/x-www-form-urlencoded'
  const pointer = ['paths', request.path, method, 'requestBody', 'content', sent, 'schema']
  const validate = validators.get(operation) ?? compile(description, pointer, isForm)
  validators.set(operation, validate)
  if (validate(isForm ? parse(request.rawBody) : parseJson(request.rawBody))) return []
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`.trim())
}

/** Forms carry only strings, so there a string of digits is a number; in JSON it is not. */
function compile(
  description: OpenApiDescription,
  pointer: readonly string[],
  isForm: boolean,
): ValidateFunction {
  const stripeFormats = { 'unix-time': true, currency: true } as const
  const ajv = new Ajv({ strict: false, coerceTypes: isForm, formats: stripeFormats })
  formats.default(ajv)
  ajv.addSchema(description, 'stripe')
  const escaped = pointer.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
  return ajv.compile({ $ref: `stripe#/${escaped.join('/')}` })
}
