/** How the demo looks: at most 100 columns, and readable without colour. */
import { styleText } from 'node:util'

const width = Math.max(60, Math.min(process.stdout.columns || 100, 100))

export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

export function printHeading(text: string): void {
  print(`\n${styleText('bold', text)}\n${styleText('dim', '─'.repeat(width))}`)
}

/** What an application writes, or a command. */
export function printCode(code: string): void {
  print(`\n  ${styleText('cyan', code)}`)
}

/** A paragraph beside the matter, after an empty line. */
export function printNote(text: string): void {
  const lines = text.match(new RegExp(`.{1,${width - 2}}(?: |$)|\\S+`, 'g')) ?? []
  print()
  for (const line of lines) print(`  ${styleText('dim', line.trimEnd())}`)
}

/** A call and what is asked. */
export function printCall(method: string, model: string, question: string): void {
  print(`\n    ${styleText('bold', `openai.${method}`)}  ${styleText('dim', model)}`)
  printLine('user', question)
}

export function printLine(speaker: Speaker, text: string): void {
  const line = startText(speaker)
  line.write(text)
  line.end()
}

type Speaker = 'user' | 'tool' | 'model'

const margin = ' '.repeat(13)

/** Text of a speaker as it comes: each word is shown once it is whole, so that lines can wrap. */
export function startText(speaker: Speaker): {
  write(text: string): void
  end(note?: string): void
} {
  let column = margin.length
  let pending = ''
  process.stdout.write(`      ${styleText('dim', speaker.padEnd(7))}`)

  function show(word: string): void {
    if (column > margin.length && column + word.length > width) {
      process.stdout.write(`\n${margin}`)
      column = margin.length
    }
    const text = column === margin.length ? word.trimStart() : word
    process.stdout.write(text)
    column += text.length
  }

  return {
    write(text) {
      const words = `${pending}${text.replaceAll(/\s+/g, ' ')}`.split(/(?= )/)
      pending = words.pop() ?? ''
      words.forEach(show)
    },
    end(note) {
      show(pending)
      print(note === undefined ? '' : ` ${styleText('yellow', note)}`)
    },
  }
}
