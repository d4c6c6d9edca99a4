export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as PromiseLike<Value> | undefined)?.then === 'function'
}

/**
 * Applies `prepare` to the options of a request or to their promise, which is what later SDK majors
 * pass, and every one takes. A refusal becomes a rejection, as an error of the API is.
 */
export function prepareOptions<Options>(
  options: Options | PromiseLike<Options>,
  prepare: (options: Options) => Options | Promise<Options>,
): Options | PromiseLike<Options> {
  if (isPromise(options)) return options.then(prepare)
  try {
    return prepare(options)
  } catch (error) {
    return Promise.reject(error)
  }
}
