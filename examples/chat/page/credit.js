import { usage } from './usage.js'

const credit = document.querySelector('#credit')
const note = document.querySelector('#credit-note')
const template = document.querySelector('#out-of-credit')

/** What waits for credit, each asked whether so much is enough. */
const waiting = new Set()

usage.addEventListener('balance', ({ data }) => {
  const { left } = JSON.parse(data)
  credit.hidden = false
  document.querySelector('#left').textContent = dollars(left)
  for (const goOn of waiting) goOn(Number(left))
})
usage.addEventListener('granted', ({ data }) => {
  say('granted', `${dollars(JSON.parse(data).amount)} more, just now.`)
})
usage.addEventListener('low', ({ data }) => {
  say('low', `Less than ${JSON.parse(data).percent} % of what you were given last is left.`)
})
usage.addEventListener('exhausted', ({ data }) => {
  const isRefused = JSON.parse(data).required !== undefined
  say(
    'exhausted',
    `Your credit is used up${isRefused ? ' but for less than an answer can cost' : ''}.`,
  )
})

function say(state, text) {
  credit.dataset.state = state
  note.textContent = text
}

function dollars(amount) {
  return `$${Number(amount).toFixed(4)}`
}

/** Says that there is too little, until there is enough (true), or the question is taken back (false). */
export function untilCredit(conversation, { available, required }) {
  const notice = template.content.cloneNode(true).firstElementChild
  notice.querySelector('p').textContent =
    `${dollars(available)} is left, and it can cost up to ${dollars(required)}. ` +
    'Top up, and it goes on from here: nothing you wrote is lost.'
  conversation.append(notice)
  conversation.scrollTop = conversation.scrollHeight
  return new Promise((resolve) => {
    const end = (goesOn) => {
      waiting.delete(goOn)
      notice.remove()
      resolve(goesOn)
    }
    const goOn = (left) => {
      if (left >= Number(required)) end(true)
    }
    waiting.add(goOn)
    notice.querySelector('.quiet').addEventListener('click', () => end(false))
  })
}
