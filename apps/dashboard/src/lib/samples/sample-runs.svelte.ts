import { api, API_ROOT } from '#lib/api/root.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { LogImport } from '#lib/import/log-import.svelte.ts'
import { isSample, SAMPLE_PREFIX, SAMPLE_PROJECT as PROJECT, SAMPLE_TAG } from './is-sample.ts'
import { RECORDED, type RecordedRun } from './recorded.ts'

/** The sample runs: loads them as any log is imported, and takes them away again. */
class SampleRuns {
  phase = $state<'idle' | 'loading' | 'removing' | 'failed'>('idle')
  loaded = $state(0)
  failure = $state('')
  readonly total = RECORDED.length

  async load(): Promise<void> {
    if (this.phase === 'loading' || this.phase === 'removing') return
    this.phase = 'loading'
    this.loaded = 0
    await this.#try(async () => {
      for (const recorded of RECORDED) {
        await importOne(recorded)
        this.loaded++
      }
    })
  }

  async remove(): Promise<void> {
    if (this.phase === 'loading' || this.phase === 'removing') return
    this.phase = 'removing'
    await this.#try(async () => {
      const query = new URLSearchParams({ tag: SAMPLE_TAG, project: PROJECT, limit: '200' })
      const { runs } = await api.listRuns(query)
      for (const { id } of runs.filter(isSample)) await api.deleteRun(id)
    })
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work()
      this.phase = 'idle'
    } catch (error) {
      this.failure = sentenceOf(error)
      this.phase = 'failed'
    }
  }
}

/** One for all places that speak of them: the page that offers them is gone when the first one has come. */
export const sampleRuns = new SampleRuns()

async function importOne({ path, address, name, maxNorm, notes }: RecordedRun): Promise<void> {
  const reply = await fetch(address)
  if (!reply.ok) throw new Error(`The log of the sample run "${name}" was answered with ${reply.status}.`)
  const file = new File([await reply.blob()], path)
  const log = new LogImport(new URL(API_ROOT, location.href).href)
  await log.start([{ path: SAMPLE_PREFIX + path, file }], {
    project: PROJECT,
    name,
    tags: [SAMPLE_TAG],
    ...(maxNorm !== undefined && { maxNorm }),
  })
  const [reason] = log.passed
  if (log.phase !== 'done' || reason) throw new Error(log.failure || reason?.reason)
  for (const { id } of log.runs) await api.patchRun(id, { notes })
}
