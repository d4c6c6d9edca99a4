/** What the local model says, one after the other, whatever it is asked. */
export const localAnswers = [
  'Hello! I am a stand-in that runs on your own machine, so this needs no key and costs nothing. Everything around me is real, though: the OpenAI SDK asked for this answer over HTTP, and what it used is on disk before this stream ends. Have a look at what it would cost you.',
  'Every turn sends the whole conversation again, which is why input tokens grow faster than you type. The server counts none of them itself: it bills what the provider reports at the end of each stream, to the token.',
  'Try to stop me, or close this tab in the middle of a sentence. The server then hangs up on me at once, so that nobody pays for words that nobody reads. I never get to say what I used, so that answer is billed by an estimate of the words so far, and marked as one. It would be a pity about the rest of this sentence, of course, which goes on for a good while longer than it has to, just so that you have the time to do it.',
  'Now sign in as another company in a private window, and let both of us talk at the same time. Each request has a metered client of its own, so no token of theirs is ever on your bill.',
] as const
