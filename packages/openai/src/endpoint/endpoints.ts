import type { Endpoint } from '@token-meter/core/wire'
import type { OneShot } from '../request/routes.ts'
import { audioText } from './audio-text.ts'
import { chatCompletions, legacyCompletions } from './chat-completions.ts'
import { decisions } from './decisions.ts'
import { embeddings } from './embeddings.ts'
import { graders } from './graders.ts'
import { images } from './images.ts'
import { responsesEndpoint } from './responses.ts'
import { speech } from './speech.ts'

/** How each endpoint is read whose own answer says what it used. */
export const endpoints: Readonly<Record<OneShot, Endpoint>> = {
  'chat.completions': chatCompletions,
  completions: legacyCompletions,
  embeddings,
  responses: responsesEndpoint(),
  'responses.compact': responsesEndpoint(undefined, 'responses.compact'),
  'images.generations': images('images.generations'),
  'images.edits': images('images.edits'),
  'images.variations': images('images.variations'),
  'audio.transcriptions': audioText('audio.transcriptions'),
  'audio.translations': audioText('audio.translations'),
  'audio.speech': speech,
  decisions,
  graders,
}

/** Resource methods that a mock or another wrapper may stand in for, with what they would request. */
export const leaves: Readonly<Record<string, OneShot>> = {
  'chat.completions.create': 'chat.completions',
  'chat.completions.parse': 'chat.completions',
  'completions.create': 'completions',
  'embeddings.create': 'embeddings',
  'responses.create': 'responses',
  'responses.parse': 'responses',
  'responses.compact': 'responses.compact',
  'images.generate': 'images.generations',
  'images.edit': 'images.edits',
  'images.createVariation': 'images.variations',
  'audio.transcriptions.create': 'audio.transcriptions',
  'audio.translations.create': 'audio.translations',
  'audio.speech.create': 'audio.speech',
  'decisions.create': 'decisions',
}
