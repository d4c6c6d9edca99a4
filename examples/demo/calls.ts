/** The calls, as any application makes them: nothing here knows that the client is metered. */
import type OpenAI from 'openai'
import { shopPrompt, tinsInStock } from './shop.ts'
import { printCall, printLine, startText } from './terminal.ts'

export async function answerAQuestion(openai: OpenAI, model: string): Promise<void> {
  const question = 'One line for the sign of a tea shop that is called Leaf & Kettle.'
  printCall('chat.completions.create()', model, question)
  const completion = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: question }],
  })
  printLine('model', completion.choices[0]?.message.content ?? '')
}

/** Two requests: the model asks for the tool, and answers when it has the tool's result. */
export async function useATool(openai: OpenAI, model: string): Promise<void> {
  const question = 'I would like 12 tins of Ceylon Earl Grey. Do you have them?'
  printCall('chat.completions.runTools(), two requests', model, question)
  const runner = openai.chat.completions.runTools({
    model,
    messages: [
      { role: 'system', content: shopPrompt },
      { role: 'user', content: question },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'tinsInStock',
          description: 'How many tins of a tea the shop has.',
          parameters: {
            type: 'object',
            properties: { tea: { type: 'string' } },
            required: ['tea'],
          },
          parse: JSON.parse,
          function: ({ tea }: { tea: string }) => {
            const tins = tinsInStock(tea)
            printLine('tool', `tinsInStock('${tea}') is ${tins}`)
            return String(tins)
          },
        },
      },
    ],
  })
  printLine('model', (await runner.finalContent()) ?? '')
}

export async function streamAnAnswer(openai: OpenAI, model: string): Promise<void> {
  const question = 'Why does tea get cold sooner in a wide cup? Two sentences.'
  printCall('chat.completions.create({ stream: true })', model, question)
  const stream = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: question }],
    stream: true,
  })
  const answer = startText('model')
  for await (const chunk of stream) answer.write(chunk.choices[0]?.delta.content ?? '')
  answer.end()
}

/** The stream is aborted, so that the provider never says what it used. */
export async function stopAStream(openai: OpenAI, model: string): Promise<void> {
  const question = 'Tell me the whole history of tea, in plain sentences.'
  printCall('chat.completions.create({ stream: true }), stopped half way', model, question)
  const stream = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: question }],
    stream: true,
  })
  const answer = startText('model')
  let length = 0
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content ?? ''
    answer.write(text)
    length += text.length
    if (length > 150) stream.controller.abort()
  }
  answer.end('... stopped')
}

export async function reason(openai: OpenAI, model: string): Promise<void> {
  const question = 'A pot holds 1.2 litres and a cup 180 ml. How many full cups, and what is left?'
  printCall('responses.create(), with reasoning', model, question)
  const response = await openai.responses.create({ model, input: question })
  printLine('model', response.output_text)
}
