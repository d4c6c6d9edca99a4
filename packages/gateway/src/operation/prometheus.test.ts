import { expect, test } from 'vitest'
import { Counter, DecimalCounter, gauge, Histogram } from './prometheus.ts'

test('a counter has a line for each of its labels, and its values are escaped', () => {
  const counter = new Counter('calls_total', 'Calls.', ['model', 'status'])
  counter.add(['a "b"\\c\nd', '200'])
  counter.add(['a "b"\\c\nd', '200'], 2)
  counter.add(['x', '500'])
  expect(counter.text()).toBe(
    [
      '# HELP calls_total Calls.',
      '# TYPE calls_total counter',
      'calls_total{model="a \\"b\\"\\\\c\\nd",status="200"} 3',
      'calls_total{model="x",status="500"} 1',
      '',
    ].join('\n'),
  )
})

test('one without labels is 0 from the beginning; one with labels is not there before it counts', () => {
  expect(new Counter('a_total', 'A.').text()).toContain('a_total 0\n')
  expect(new Counter('b_total', 'B.', ['of']).text()).toBe('')
})

test('beyond a thousand values of its labels, what is new is counted together', () => {
  const counter = new Counter('calls_total', 'Calls.', ['model'])
  for (let at = 0; at < 1500; at++) counter.add([`model-${at}`])
  const lines = counter.text().trim().split('\n')
  expect(lines).toHaveLength(2 + 1001)
  expect(lines.at(-1)).toBe('calls_total{model="other"} 500')
})

test('money is added up exactly', () => {
  const cost = new DecimalCounter('usd_total', 'USD.', ['of'])
  for (let at = 0; at < 10; at++) cost.add(['billed'], '0.1')
  cost.add(['billed'], '0.000000000123')
  cost.add(['whole'], '12')
  cost.add(['whole'], 'no amount')
  expect(cost.text()).toContain('usd_total{of="billed"} 1.000000000123\n')
  expect(cost.text()).toContain('usd_total{of="whole"} 12\n')
})

test('the buckets of a histogram have what is up to their bound, and all that is below', () => {
  const histogram = new Histogram('s', 'Seconds.', ['upstream'], [0.1, 1])
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(['openai'], value)
  expect(histogram.text().split('\n').slice(2)).toEqual([
    's_bucket{upstream="openai",le="0.1"} 2',
    's_bucket{upstream="openai",le="1"} 3',
    's_bucket{upstream="openai",le="+Inf"} 4',
    's_sum{upstream="openai"} 7.65',
    's_count{upstream="openai"} 4',
    '',
  ])
})

test('a gauge is what it is now, and nothing where there is nothing', () => {
  expect(gauge('g', 'G.', [])).toBe('')
  expect(gauge('g', 'G.', [{ labels: { sink: 'stripe' }, value: 3 }])).toBe(
    '# HELP g G.\n# TYPE g gauge\ng{sink="stripe"} 3\n',
  )
})
