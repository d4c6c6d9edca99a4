/**
 * What the local provider answers. Token counts are those of OpenAI's tokenizer (o200k) for these
 * texts and the questions in calls.ts, with the few tokens that the API adds to each message.
 */
export interface Usage {
  readonly input: number
  /** Inside input. */
  readonly cached?: number
  readonly output: number
  /** Inside output. */
  readonly reasoning?: number
}

export interface Answer {
  readonly text: string
  readonly usage: Usage
}

export const teaShopSign: Answer = {
  text: 'Leaf & Kettle: slow tea for fast days.',
  usage: { input: 23, output: 11 },
}

export const stockLookup = {
  name: 'tinsInStock',
  arguments: '{"tea":"Ceylon Earl Grey"}',
  usage: { input: 1256, output: 21 },
}

/** Of the same prompt again, the first 9 blocks of 128 tokens come from the cache. */
export const stockAnswer: Answer = {
  text: 'Not all of them today: we have 7 tins of Ceylon Earl Grey. I can send those now, and the other 5 with our next delivery.',
  usage: { input: 1286, cached: 1152, output: 34 },
}

export const coldTea: Answer = {
  text: 'A wide cup shows more of its tea to the air, so more steam can leave and take heat along. The tea is also spread out thinner, so its warm middle is never far from a cold edge.',
  usage: { input: 20, output: 42 },
}

/** Longer than anybody in the demo waits for. */
export const historyOfTea: Answer = {
  text: 'Tea begins, so the story goes, in 2737 BC, when leaves of a wild bush fell into the pot of the emperor Shennong. For centuries it was a medicine of southern China, pressed into cakes and boiled with salt. Under the Tang it became a drink for every day, and a man named Lu Yu wrote the first book about it. Monks took it to Japan, caravans to Tibet and Moscow, and ships to Lisbon.',
  usage: { input: 18, output: 92 },
}

export const fullCups: Answer = {
  text: 'Six full cups: 6 times 180 ml is 1,080 ml, which leaves 120 ml in the pot.',
  usage: { input: 31, output: 90, reasoning: 64 },
}
