import type {
  BedrockRuntimeClient,
  ConverseCommandInput,
  ConverseCommandOutput,
  ConverseStreamOutput,
} from '@aws-sdk/client-bedrock-runtime'
import type { SendOptions } from '@token-meter/testkit/suites'
import { describeProvider } from '@token-meter/testkit/suites'
import { bedrockProvider } from '../src/index.ts'
import { awsFraming } from './event-frames.ts'
import { http1Config, sdkVersions } from './sdk-versions.ts'

const modelId = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const usage = {
  inputTokens: 60,
  outputTokens: 20,
  totalTokens: 150,
  cacheReadInputTokens: 40,
  cacheWriteInputTokens: 30,
}
const asked = (content: string): ConverseCommandInput => ({
  modelId,
  messages: [{ role: 'user', content: [{ text: content }] }],
})
const answerOf = (content: object, given: unknown) => ({
  output: { message: { role: 'assistant', content: [content] } },
  stopReason: 'end_turn',
  metrics: { latencyMs: 300 },
  usage: given,
})
const usageFields = { input: 'inputTokens', output: 'outputTokens', total: 'totalTokens' }
/** Each request has one of its own otherwise. */
const sameInvocationId = (next: (args: object) => unknown) => (args: object) => {
  const { request } = args as { request: { headers: Record<string, string> } }
  request.headers['amz-sdk-invocation-id'] = 'same'
  return next(args)
}

const notOfFetch = 'the SDK does not send by fetch'

for (const { version, sdk } of sdkVersions) {
  const { ConverseCommand, ConverseStreamCommand } = sdk
  const optionsOf = ({ signal }: SendOptions) => (signal ? { abortSignal: signal } : {})
  const send = (client: BedrockRuntimeClient, request: object, options: SendOptions = {}) =>
    client.send(new ConverseCommand(request as ConverseCommandInput), optionsOf(options))
  const open = async (client: BedrockRuntimeClient, request: object, options: SendOptions = {}) => {
    const command = new ConverseStreamCommand(request as ConverseCommandInput)
    const { stream } = await client.send(command, optionsOf(options))
    return stream as AsyncIterable<unknown>
  }
  describeProvider<BedrockRuntimeClient>(`@aws-sdk/client-bedrock-runtime ${version}`, {
    provider: bedrockProvider,
    except: {
      'left in the middle: the connection is closed at once':
        'the SDK leaves the connection open when its stream is left, raw too',
      'what is frozen works as it does raw: it is metered, or said not to be':
        'the SDK deletes a field of the client with each request: a frozen one sends none, raw neither',
      'a mocked fetch whose responses are of a kind that cannot be cloned disturbs nobody':
        notOfFetch,
      'a mocked fetch whose responses are of a kind without headers disturbs nobody': notOfFetch,
    },
    client(endpoint, key) {
      const client = new sdk.BedrockRuntimeClient(http1Config(endpoint, key))
      client.middlewareStack.add(sameInvocationId as never, {
        step: 'finalizeRequest',
        priority: 'low',
      })
      return client
    },
    request: {
      of: asked,
      paidBy: (customer) => ({ ...asked('Hi'), requestMetadata: { customer } }),
      payer: ({ body }) => body.requestMetadata?.customer,
    },
    send,
    stream: open,
    method: (client) => [client, 'send'],
    mocked: (text) => answerOf({ text }, usage),
    wire: {
      usage,
      framing: awsFraming,
      usageOf: (counts) =>
        Object.fromEntries(
          Object.entries(counts).map(([name, count]) => [
            usageFields[name as keyof typeof usageFields],
            count,
          ]),
        ),
      answer: (text, given) => answerOf({ text }, given),
      events: (texts, usages) => [
        { messageStart: { role: 'assistant' } },
        ...texts.map((text) => ({ contentBlockDelta: { contentBlockIndex: 0, delta: { text } } })),
        { contentBlockStop: { contentBlockIndex: 0 } },
        { messageStop: { stopReason: 'end_turn' } },
        ...usages.map((given) => ({ metadata: { usage: given, metrics: { latencyMs: 300 } } })),
      ],
      toolCall: (given) =>
        answerOf({ toolUse: { toolUseId: 't', name: 'weather', input: { city: 'Paris' } } }, given),
      error: (message) => ({ message }),
      errorEvent: (message) => ({ internalServerException: { message } }),
    },
    read: {
      text: (answer) => (answer as ConverseCommandOutput).output?.message?.content?.[0]?.text ?? '',
      eventText: (event) => (event as ConverseStreamOutput).contentBlockDelta?.delta?.text ?? '',
      isLastWord: (event) => (event as ConverseStreamOutput).messageStop !== undefined,
    },
    recorded: {
      whole: {
        provider: 'bedrock',
        endpoint: 'converse',
        model: modelId,
        requestedModel: modelId,
        tokens: { input: 60, cachedInput: 40, cachedWrite: 30, output: 20 },
        raw: usage,
      },
      interrupted: { estimated: ['input', 'output'] },
    },
  })
}
