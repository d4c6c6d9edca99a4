import { untilCredit } from './credit.js'
import { eventsIn } from './events.js'

const conversation = document.querySelector('#conversation')
const composer = document.querySelector('#composer')
const question = document.querySelector('#question')
const send = document.querySelector('#send')
const stop = document.querySelector('#stop')

/** All that is remembered: with the page it is gone. */
const messages = []
let answering

composer.addEventListener('submit', (event) => {
  event.preventDefault()
  const text = question.value.trim()
  if (text === '' || answering !== undefined || send.disabled) return
  question.value = ''
  ask(text)
})

question.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  composer.requestSubmit()
})

for (const suggestion of document.querySelectorAll('.suggestion')) {
  suggestion.addEventListener('click', () => {
    question.value = suggestion.textContent
    composer.requestSubmit()
  })
}

stop.addEventListener('click', () => answering?.abort())

async function ask(text) {
  document.querySelector('.empty')?.remove()
  const asked = addBubble('user')
  asked.textContent = text
  messages.push({ role: 'user', content: text })
  await answer(asked)
}

async function answer(asked) {
  const bubble = addBubble('assistant')
  setAnswering(new AbortController())
  let note
  try {
    note = await stream(bubble, answering.signal)
  } catch (error) {
    note = error.name === 'AbortError' ? 'Stopped' : 'The connection was lost.'
  }
  if (note?.code === 'insufficient_credits') {
    bubble.remove()
    await goOnWithCredit(asked, note)
    return
  }
  bubble.classList.add('complete')
  if (note !== undefined) bubble.dataset.note = note
  // Who asks again after a failure must not send two questions in a row.
  if (bubble.textContent === '') messages.pop()
  else messages.push({ role: 'assistant', content: bubble.textContent })
  setAnswering(undefined)
}

/** Nothing was sent: the question stays, and is asked again once there is credit for it. */
async function goOnWithCredit(asked, shortage) {
  send.disabled = true
  setAnswering(undefined)
  const goesOn = await untilCredit(conversation, shortage)
  send.disabled = false
  if (goesOn) return await answer(asked)
  messages.pop()
  asked.remove()
  question.value = [asked.textContent, question.value].filter(Boolean).join('\n')
  question.focus()
}

/** Returns what went wrong, if anything did. */
async function stream(bubble, signal) {
  const response = await fetch('/chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages }),
    signal,
  })
  if (response.status === 401) location.assign('/login')
  if (response.status === 402) return await response.json()
  if (!response.ok) return 'There was no answer. Please try again.'
  for await (const { event, data } of eventsIn(response.body)) {
    if (event === 'done') return undefined
    if (event === 'failed') return 'The answer broke off.'
    const isAtEnd =
      conversation.scrollHeight - conversation.scrollTop - conversation.clientHeight < 60
    bubble.append(JSON.parse(data))
    if (isAtEnd) conversation.scrollTop = conversation.scrollHeight
  }
  return 'The connection was lost.'
}

function addBubble(role) {
  const bubble = document.createElement('div')
  bubble.className = `bubble ${role}`
  conversation.append(bubble)
  conversation.scrollTop = conversation.scrollHeight
  return bubble
}

function setAnswering(controller) {
  answering = controller
  send.hidden = controller !== undefined
  stop.hidden = controller === undefined
  if (controller === undefined) question.focus()
}
