/** A client of `@aws-sdk/client-bedrock-runtime` by its shape. Never by class: an application can hold two copies of the SDK. */
export interface BedrockClient {
  readonly config: object
  readonly middlewareStack: object
  // What it takes and returns depends on the command.
  send(...args: never[]): unknown
}

/** True for `BedrockRuntimeClient`, `BedrockRuntime`, and subclasses of them. */
export function isBedrockClient(client: object): client is BedrockClient {
  const { send, middlewareStack, config } = client as Partial<BedrockClient>
  if (typeof send !== 'function' || typeof config !== 'object' || config === null) return false
  const { concat } = (middlewareStack ?? {}) as { concat?: unknown }
  return (
    typeof concat === 'function' &&
    (config as { serviceId?: unknown }).serviceId === 'Bedrock Runtime'
  )
}

/** What the SDK's middleware hands on, as far as it matters here. */
export interface HandlerArguments {
  readonly input: Readonly<Record<string, unknown>>
}

/** What it hands back: the HTTP response, and what the SDK made of it. */
export interface HandlerResult {
  readonly output: Readonly<Record<string, unknown>>
  readonly response: unknown
}

export type Handler = (args: HandlerArguments) => Promise<HandlerResult>

export type Middleware = (
  next: Handler,
  context: { readonly commandName?: string | undefined },
) => Handler

/** The list of middleware of a client, and of a command: closures in a plain object. */
export interface MiddlewareStack {
  add(middleware: Middleware, options: object): void
  concat(from: unknown): MiddlewareStack
  clone(): MiddlewareStack
  resolve(handler: unknown, context: unknown): unknown
}

/** A command of the SDK. */
export interface Command {
  readonly input: unknown
  resolveMiddleware(stack: MiddlewareStack, config: unknown, options: unknown): unknown
}

export function isCommand(value: unknown): value is Command {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<Command>).resolveMiddleware === 'function'
  )
}
