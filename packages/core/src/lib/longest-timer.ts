/** Beyond it timers of JavaScript fire at once, in ms. */
export const longestTimerMs = 2 ** 31 - 1
