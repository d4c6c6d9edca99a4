/** `gen_ai.operation.name` by endpoint, where the convention has a name for it. */
const operations: Readonly<Record<string, string>> = {
  'chat.completions': 'chat',
  responses: 'chat',
  'responses.compact': 'chat',
  'threads.runs': 'chat',
  messages: 'chat',
  realtime: 'chat',
  languageModel: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
  embedContent: 'embeddings',
  embeddingModel: 'embeddings',
  generateContent: 'generate_content',
  interactions: 'generate_content',
  live: 'generate_content',
  generateImages: 'generate_content',
  generateVideos: 'generate_content',
  imageModel: 'generate_content',
  speechModel: 'generate_content',
  'images.generations': 'generate_content',
  'images.edits': 'generate_content',
  'images.variations': 'generate_content',
  'audio.speech': 'generate_content',
  videos: 'generate_content',
}

/** The endpoint's own name where the convention has none: a batch, a transcription, a manual record. */
export function operationName(endpoint: string): string {
  return Object.hasOwn(operations, endpoint) ? (operations[endpoint] as string) : endpoint
}
