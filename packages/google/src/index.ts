export * from '@token-meter/core'
