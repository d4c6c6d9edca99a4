// Prints vitest's own count of the tests as one plain line, from the JSON report it wrote.
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites, success } = report

if (!success || numPassedTests === 0) {
  console.error(`the tests FAILED: ${numFailedTests} tests, ${numFailedTestSuites} suites`)
  process.exitCode = 1
}
const skipped = numPendingTests === 0 ? '' : `, ${numPendingTests} skipped`
console.log(`${numPassedTests} passed, ${numFailedTests} failed${skipped}`)
