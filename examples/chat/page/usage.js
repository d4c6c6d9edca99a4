const typeNames = {
  input: 'input',
  cached_input: 'cached input',
  cached_write: 'cache write',
  output: 'output',
}

const byId = (id) => document.getElementById(id)

// On a phone the table is there for who opens it.
byId('details').open = matchMedia('(min-width: 800px)').matches

export const usage = new EventSource('/usage')
usage.addEventListener('message', ({ data }) => show(JSON.parse(data)))
usage.addEventListener('error', () => {
  // The browser connects again by itself, but not after an answer such as "401".
  if (usage.readyState === EventSource.CLOSED) location.assign('/login')
})

function show(totals) {
  const { company, answers, estimated, undelivered, refused, models, microdollars } = totals
  document.title = `${company} · Chat`
  byId('company').textContent = company
  byId('initial').textContent = company.charAt(0)
  byId('amount').textContent = `$${(microdollars / 1_000_000).toFixed(4)}`
  byId('details').hidden = answers === 0
  byId('models').replaceChildren(...Object.entries(models).map(tableOf))
  byId('status').textContent = statusOf(totals)
  byId('status').dataset.state = stateOf(answers, undelivered + refused)
  byId('estimates').hidden = estimated === 0
  byId('estimates').textContent = `${count(estimated, 'answer')} stopped early, billed by estimate.`
}

function statusOf({ answers, undelivered, covered, refused }) {
  if (answers === 0) return 'No answers yet'
  if (refused > 0) return `${count(answers, 'answer')}, ${refused} refused by Stripe`
  const all = covered === answers ? 'paid from credit' : 'all at Stripe'
  const where = undelivered === 0 ? all : `${undelivered} on the way`
  return `${count(answers, 'answer')}, ${where}`
}

function stateOf(answers, undelivered) {
  if (answers === 0) return 'idle'
  return undelivered === 0 ? 'delivered' : 'waiting'
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function tableOf([model, tokens]) {
  const table = document.createElement('table')
  table.createCaption().textContent = model
  for (const [type, name] of Object.entries(typeNames)) {
    if (tokens[type] === undefined) continue
    const row = table.insertRow()
    row.insertCell().textContent = name
    row.insertCell().textContent = tokens[type].toLocaleString('en-US')
  }
  return table
}
