/** The server-sent events in the body of a POST, for which EventSource does not do. */
export async function* eventsIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let received = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const events = (received + value).split('\n\n')
    received = events.pop() ?? ''
    for (const event of events) yield eventFrom(event)
  }
}

function eventFrom(text) {
  const lines = text.split('\n').map((line) => line.split(/: ?(.*)/s))
  return Object.fromEntries(lines.map(([field, value]) => [field, value]))
}
