/**
 * The model in a resource path, as the caller named it: `models/gemini-x:generateContent` and
 * `publishers/google/models/gemini-x` are `gemini-x`; a tuned model or endpoint keeps its path.
 */
export function modelName(path: string): string {
  return path
    .replace(/\?.*$/, '')
    .replace(/:[A-Za-z]+$/, '')
    .replace(/^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/[^/]+\/models\//, '')
    .replace(/^models\//, '')
}
