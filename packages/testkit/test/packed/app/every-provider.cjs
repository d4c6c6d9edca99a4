'use strict'
const listen = require('./listen.cjs')

const hello = [{ role: 'user', content: 'hi' }]

/** One response of each vendor, told apart by what is asked for. */
function answer(body) {
  if (body.model?.startsWith('command-')) {
    const billed_units = { input_tokens: 10, output_tokens: 5 }
    const message = { role: 'assistant', content: [{ type: 'text', text: 'hello' }] }
    return { id: 'c', message, finish_reason: 'COMPLETE', usage: { billed_units } }
  }
  if (body.model === 'gemma3') {
    const message = { role: 'assistant', content: 'hello' }
    const counts = { prompt_eval_count: 14, prompt_eval_cached_count: 4, eval_count: 5 }
    return { model: body.model, message, done: true, done_reason: 'stop', ...counts }
  }
  if (Array.isArray(body.messages?.[0].content)) {
    const usage = {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 22,
      cacheReadInputTokens: 4,
      cacheWriteInputTokens: 3,
    }
    const message = { role: 'assistant', content: [{ text: 'hello' }] }
    return { output: { message }, stopReason: 'end_turn', usage, metrics: { latencyMs: 1 } }
  }
  if (body.contents) {
    const usageMetadata = {
      promptTokenCount: 14,
      cachedContentTokenCount: 4,
      candidatesTokenCount: 3,
      thoughtsTokenCount: 2,
      totalTokenCount: 19,
    }
    const content = { role: 'model', parts: [{ text: 'hello' }] }
    return { candidates: [{ content }], modelVersion: 'gemini-3-flash', usageMetadata }
  }
  if (body.max_tokens) {
    return {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: body.model,
      content: [{ type: 'text', text: 'hello' }],
      stop_reason: 'end_turn',
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 4,
        cache_creation_input_tokens: 3,
        output_tokens: 5,
      },
    }
  }
  const message = { role: 'assistant', content: 'hello' }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: body.model,
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: 14,
      completion_tokens: 5,
      total_tokens: 19,
      prompt_tokens_details: { cached_tokens: 4 },
    },
  }
}

/** Calls each vendor once through its own metered client; prints what was recorded, by customer. */
module.exports = async function everyProvider(packages) {
  const { core, openai, anthropic, google, mistral, cohere, bedrock, ollama, aiSdk, sdk } = packages
  const server = await listen((body, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer(body)))
  })
  const meter = core.createMeter({
    providers: [
      openai.openaiProvider,
      anthropic.anthropicProvider,
      google.googleProvider,
      mistral.mistralProvider,
      cohere.cohereProvider,
      bedrock.bedrockProvider,
      ollama.ollamaProvider,
      aiSdk.aiSdkProvider,
    ],
    outbox: core.memoryOutbox(),
  })
  const records = {}
  meter.on('usage', ({ customer, model, tokens }) => {
    const { input, cachedInput, cachedWrite, output } = tokens
    records[customer] = { model, tokens: [input, cachedInput, cachedWrite, output] }
  })

  const openaiClient = new sdk.OpenAI({ apiKey: 'k', baseURL: `${server.url}/v1` })
  await meter(openaiClient, 'cus_openai').chat.completions.create({
    model: 'gpt-5.4',
    messages: hello,
  })
  const anthropicClient = new sdk.Anthropic({ apiKey: 'k', baseURL: server.url })
  await meter(anthropicClient, 'cus_anthropic').messages.create({
    model: 'claude-sonnet-4-6',
    max_tokens: 9,
    messages: hello,
  })
  const googleClient = new sdk.GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: server.url } })
  await meter(googleClient, 'cus_google').models.generateContent({
    model: 'gemini-3-flash',
    contents: 'hi',
  })
  const mistralClient = new sdk.Mistral({ apiKey: 'k', serverURL: server.url })
  await meter(mistralClient, 'cus_mistral').chat.complete({ model: 'gpt-5.4', messages: hello })
  const cohereClient = new sdk.CohereClientV2({ token: 'k', environment: server.url })
  await meter(cohereClient, 'cus_cohere').chat({ model: 'command-a-03-2025', messages: hello })
  const bedrockClient = new sdk.BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: server.url,
    credentials: { accessKeyId: 'k', secretAccessKey: 'k' },
    requestHandler: new sdk.NodeHttpHandler(),
  })
  const message = { role: 'user', content: [{ text: 'hi' }] }
  await meter(bedrockClient, 'cus_bedrock').send(
    new sdk.ConverseCommand({ modelId: 'us.amazon.nova-lite-v1:0', messages: [message] }),
  )
  bedrockClient.destroy()
  const ollamaClient = new sdk.Ollama({ host: server.url })
  await meter(ollamaClient, 'cus_ollama').chat({ model: 'gemma3', messages: hello })
  const chat = sdk.createOpenAI({ apiKey: 'k', baseURL: `${server.url}/v1` }).chat('gpt-5.4')
  await sdk.generateText({ model: meter(chat, 'cus_ai_sdk'), prompt: 'hi' })

  console.log(JSON.stringify(records))
  await meter.close()
  server.close()
}
