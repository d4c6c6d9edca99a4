import { loadSdk } from './sdk/load-sdk.ts'
import { loadOpenAI } from './sdk/openai.ts'
import type { SdkName } from './sdk/sdk.ts'
import { callInProcess, callOverHttp, concurrentCalls } from './measure/calls.ts'
import type { BenchCase } from './measure/bench-case.ts'
import { metering } from './measure/metering.ts'
import { closeAfterBreak, firstToken } from './measure/moments.ts'
import type { Figure } from './measure/paired.ts'
import { giveStreams, heapHeld, parsedStream } from './measure/parsed-streams.ts'
import { streamOverHttp } from './measure/streams.ts'
import { wrapping } from './measure/wraps.ts'
import type { FigureName, SubjectReport } from './report.ts'
import { apiOf } from './server/events.ts'
import { startServer } from './server/start-server.ts'
import { subjects } from './subjects.ts'
import type { Telemetry } from './subject/subject.ts'

// A process of its own: some peers patch what they observe for the whole process.
const [sdkName, subjectName, speed] = process.argv.slice(2) as [SdkName, string, string]
const server = await startServer()
const report = await measured().catch((error: unknown): SubjectReport => ({
  figures: {},
  failures: { load: String(error) },
}))
process.send?.(report, () => process.exit())

async function measured(): Promise<SubjectReport> {
  const definition = subjects.find(({ name }) => name === subjectName)
  if (definition === undefined) throw new Error(`there is no subject "${subjectName}"`)
  const telemetry: Telemetry = { seen: undefined }
  const subject = await definition.load(sdkName, telemetry)
  const raw = await loadRaw(definition.isPeer)
  const bench: BenchCase = { subject, raw, server, api: apiOf[sdkName], quick: speed === 'quick' }
  const failures: Record<string, string> = {}
  const figures: Partial<Record<FigureName, Figure>> = {}
  const meters = await metering(bench, telemetry)
  const measure = async (name: FigureName, run: () => Promise<Figure> | undefined) => {
    try {
      const figure = await run()
      if (figure !== undefined) figures[name] = figure
    } catch (error) {
      failures[name] = (error as Error).message
    }
  }
  await measure('callInProcess', () => callInProcess(bench))
  await measure('call', () => callOverHttp(bench))
  await measure('concurrent', () => concurrentCalls(bench))
  await measure('wrap', () => wrapping(bench, false))
  await measure('firstUse', () => wrapping(bench, true))
  await measure('stream', () => streamOverHttp(bench))
  await measure('firstToken', () => firstToken(bench))
  await measure('close', () => closeAfterBreak(bench))
  // From here on nothing is parsed any more.
  const given = giveStreams(bench)
  await measure('parsed', () => parsedStream(bench, given))
  await measure('heap', () => heapHeld(bench, given))
  return { meters, figures, failures }
}

/** The copy beside it, from where the subject's own came from. */
function loadRaw(isPeer: boolean) {
  if (!isPeer) return loadSdk(sdkName, 'raw')
  return loadOpenAI(sdkName === 'openai6' ? 'openai' : sdkName, 'peers', 'raw')
}
