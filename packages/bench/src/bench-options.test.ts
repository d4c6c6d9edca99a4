import { expect, test } from 'vitest'
import { benchOptions } from './bench-options.ts'
import { pipelineParts } from './pipeline/pipeline-figures.ts'

test('without a part everything is measured', () => {
  const { calls, pipeline, credits, import: imports } = benchOptions([])
  expect({ calls, pipeline, credits, imports }).toEqual({
    calls: true,
    pipeline: pipelineParts,
    credits: true,
    imports: true,
  })
})

test.each(pipelineParts)('a piece of the pipeline is a part: %s', (part) => {
  const options = benchOptions(['--quick', '--part', part])
  expect(options).toMatchObject({
    quick: true,
    calls: false,
    pipeline: [part],
    credits: false,
    import: false,
  })
})

test.each([
  [['--part', 'marsk'], /--part marsk does not exist; there are calls, .*marks/],
  [['--part', 'calls', '--part', ''], /--part {2}does not exist/],
  [['--sdk', 'openai4'], /--sdk openai4 does not exist; there are openai7/],
  [['--part', 'marks', '--write'], /--write renews whole tables/],
])('%j is an error', (args, message) => {
  expect(() => benchOptions(args)).toThrow(message)
})
