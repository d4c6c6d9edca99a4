export type { UsageCounts } from '@token-meter/core/adapter'
