import { appendLatency } from './append-latency.ts'
import { backlogGrowth } from './backlog-growth.ts'
import { creditsCost } from './credits-cost.ts'
import { deliveryRate } from './delivery-rate.ts'
import type { Figure, FigureOptions } from './figure.ts'
import { marksCost } from './marks-cost.ts'
import type { MeasuredPart } from './pipeline-figures.ts'
import { recordingRate } from './recording-rate.ts'

/** What is measured, in the order of the flow. */
export const parts: Readonly<Record<MeasuredPart, (options: FigureOptions) => Promise<Figure[]>>> =
  {
    append: appendLatency,
    record: recordingRate,
    deliver: deliveryRate,
    marks: marksCost,
    backlog: backlogGrowth,
    credits: creditsCost,
  }
