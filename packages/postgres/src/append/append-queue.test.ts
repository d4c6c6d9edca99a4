import { describe, expect, test } from 'vitest'
import { AppendQueue } from './append-queue.ts'

const away = new Error('away')
const wrong = new Error('wrong value')

/** A store whose statements the test ends one by one. */
function startQueue(keepElsewhere?: (rows: readonly string[]) => boolean) {
  const statements: { rows: readonly string[]; end: (cause?: Error) => void }[] = []
  const queue = new AppendQueue<string>({
    store: (rows) =>
      new Promise((resolve, reject) => {
        statements.push({ rows, end: (cause) => (cause ? reject(cause) : resolve()) })
      }),
    isPassing: (cause) => cause === away,
    isAboutTheValues: (cause) => cause === wrong,
    sizeOf: (row) => row.length,
    ...(keepElsewhere !== undefined && { keepElsewhere }),
  })
  const statement = async (index: number) => {
    await expect.poll(() => statements.length, { interval: 1 }).toBeGreaterThan(index)
    const found = statements[index]
    if (found === undefined) throw new Error('no such statement')
    return found
  }
  return { queue, statements, statement }
}

test('what comes while one statement is under way goes together in the next, in order', async () => {
  const { queue, statements, statement } = startQueue()
  const all = ['a', 'b', 'c'].map((row) => queue.append([row, `${row}2`]))
  expect(statements.map(({ rows }) => rows)).toEqual([['a', 'a2']])
  ;(await statement(0)).end()
  await all[0]
  const second = await statement(1)
  expect(second.rows).toEqual(['b', 'b2', 'c', 'c2'])
  second.end()
  await Promise.all(all)
  expect(statements).toHaveLength(2)
})

test('while the store is away, rows wait in order and are tried again', async () => {
  const { queue, statement } = startQueue()
  const first = queue.append(['a'])
  ;(await statement(0)).end(away)
  await new Promise((resolve) => setImmediate(resolve))
  const second = queue.append(['b'])
  const again = await statement(1)
  expect(again.rows).toEqual(['a', 'b'])
  again.end()
  await Promise.all([first, second])
})

test('a row that is refused takes no other with it', async () => {
  const { queue, statement } = startQueue()
  const first = queue.append(['first'])
  const others = ['a', 'bad', 'c'].map((row) => queue.append([row]))
  const refused = expect(others[1]).rejects.toBe(wrong)
  ;(await statement(0)).end()
  ;(await statement(1)).end(wrong)
  for (const [index, row] of ['a', 'bad', 'c'].entries()) {
    const alone = await statement(2 + index)
    expect(alone.rows).toEqual([row])
    alone.end(row === 'bad' ? wrong : undefined)
  }
  await Promise.all([first, others[0], others[2], refused])
})

test('a failure that does not pass is told at once, and the next are tried', async () => {
  const { queue, statement } = startQueue()
  const refused = expect(queue.append(['a'])).rejects.toThrow('denied')
  ;(await statement(0)).end(new Error('denied'))
  await refused
  const next = queue.append(['b'])
  ;(await statement(1)).end()
  await next
})

test('memory is bounded: what is too much is refused, and says why', async () => {
  const { queue, statement } = startQueue()
  const rows = Array.from({ length: 10_000 }, () => 'x')
  const kept = queue.append(rows)
  await expect(queue.append(['y'])).rejects.toThrow('10000 records wait in memory')
  ;(await statement(0)).end(away)
  await new Promise((resolve) => setImmediate(resolve))
  await expect(queue.append(['y'])).rejects.toThrow('because: away')
  ;(await statement(1)).end()
  await kept
  const next = queue.append(['y'])
  ;(await statement(2)).end()
  await next
})

test('stored() tries at once, and waits for what was appended before', async () => {
  const { queue, statement } = startQueue()
  await queue.stored()
  const first = queue.append(['a'])
  ;(await statement(0)).end(away)
  await new Promise((resolve) => setImmediate(resolve))
  let isStored = false
  const stored = queue.stored().then(() => (isStored = true))
  const again = await statement(1)
  expect(isStored).toBe(false)
  again.end()
  await Promise.all([first, stored])
})

test('close tries for the last time, and hands back what was not stored', async () => {
  const { queue, statement } = startQueue()
  const first = expect(queue.append(['a'])).rejects.toBe(away)
  ;(await statement(0)).end(away)
  await new Promise((resolve) => setImmediate(resolve))
  const closing = queue.close()
  ;(await statement(1)).end(away)
  await Promise.all([closing, first])
  await expect(queue.append(['b'])).rejects.toThrow('closed')
})

test('a try that was under way when close came is not the last one', async () => {
  const { queue, statement } = startQueue()
  const first = queue.append(['a'])
  const under = await statement(0)
  const closing = queue.close()
  // The connection was lost some time ago, and the database is there.
  under.end(away)
  ;(await statement(1)).end()
  await Promise.all([closing, first])
})

test('memory is bounded in characters too, and so is a statement', async () => {
  const { queue, statement } = startQueue()
  const large = 'x'.repeat(3_000_000)
  const kept = Array.from({ length: 21 }, () => queue.append([large]))
  await expect(queue.append([large])).rejects.toThrow('21 records wait in memory')
  const small = queue.append(['y'])
  for (let index = 0; index < 21; index++) {
    const { rows, end } = await statement(index)
    expect(rows.filter((row) => row === large)).toHaveLength(1)
    end()
  }
  await Promise.all([...kept, small])
})

describe('with somewhere else to keep rows', () => {
  function start() {
    const elsewhere: string[] = []
    const place = { isUsable: true }
    const queue = startQueue((rows) => {
      if (place.isUsable) elsewhere.push(...rows)
      return place.isUsable
    })
    return { ...queue, elsewhere, place }
  }
  const soon = () => new Promise((resolve) => setTimeout(resolve, 20))

  test('an answer that comes in time leaves it unused', async () => {
    const { queue, statement, elsewhere } = start()
    for (let index = 0; index < 15; index++) {
      const kept = queue.append([`row ${index}`])
      const { end } = await statement(index)
      await soon()
      end()
      await kept
    }
    expect(elsewhere).toEqual([])
  })

  test('a store that is slow has all of it kept there, and then each row at once', async () => {
    const { queue, statements, statement, elsewhere } = start()
    await Promise.all([queue.append(['a']), queue.append(['b'])])
    expect(elsewhere).toEqual(['a', 'b'])
    const began = performance.now()
    await queue.append(['c'])
    expect(performance.now() - began).toBeLessThan(150)
    expect(elsewhere).toEqual(['a', 'b', 'c'])
    expect(queue.waiting).toBe(0)
    // It comes back, and the next is its own again.
    ;(await statement(0)).end()
    await soon()
    const next = queue.append(['d'])
    const { rows, end } = await statement(1)
    expect(rows).toEqual(['d'])
    end()
    await next
    expect(statements).toHaveLength(2)
    expect(elsewhere).toEqual(['a', 'b', 'c'])
  })

  test.each([away, new Error('denied')])(
    'a store that fails (%s) is left alone until it answers somebody else',
    async (failure) => {
      const { queue, statements, statement, elsewhere } = start()
      const first = queue.append(['a'])
      ;(await statement(0)).end(failure)
      await first
      await queue.append(['b'])
      expect(elsewhere).toEqual(['a', 'b'])
      expect(statements).toHaveLength(1)
      queue.back()
      const next = queue.append(['c'])
      ;(await statement(1)).end()
      await next
      expect(elsewhere).toEqual(['a', 'b'])
    },
  )

  test('a row that is refused is not kept there', async () => {
    const { queue, statement, elsewhere } = start()
    const refused = expect(queue.append(['bad'])).rejects.toBe(wrong)
    ;(await statement(0)).end(wrong)
    await refused
    expect(elsewhere).toEqual([])
  })

  test('where it cannot be used rows wait for the store, and it is tried again', async () => {
    const { queue, statement, elsewhere, place } = start()
    place.isUsable = false
    const first = queue.append(['a'])
    ;(await statement(0)).end(away)
    await soon()
    expect(queue.waiting).toBe(1)
    const again = await statement(1)
    place.isUsable = true
    await first
    expect(elsewhere).toEqual(['a'])
    again.end()
    place.isUsable = false
    await soon()
    const second = queue.append(['b'])
    ;(await statement(2)).end()
    await second
  })

  test('the end of the process and close put there what waits', async () => {
    const { queue, elsewhere, statement } = start()
    const first = queue.append(['a'])
    await statement(0)
    expect(queue.keepElsewhere('always')).toBe(true)
    await first
    const second = queue.append(['b'])
    await queue.close()
    await second
    expect(elsewhere).toEqual(['a', 'b'])
  })
})
