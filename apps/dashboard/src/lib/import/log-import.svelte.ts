import type { GivenFile } from './dropped-files.ts'
import type { ImportAs, ImportNews, ImportRequest, RunWords } from './messages.ts'

type Passed = Extract<ImportNews, { type: 'done' }>['passed']

/** One import: files that are read in a thread of their own, and what came of them. */
export class LogImport {
  phase = $state<'choosing' | 'reading' | 'done' | 'cancelled' | 'failed'>('choosing')
  path = $state('')
  bytes = $state(0)
  totalBytes = $state(0)
  failure = $state('')
  runs = $state.raw<readonly RunWords[]>([])
  passed = $state.raw<Passed>([])
  readonly #root: string
  #worker: Worker | undefined
  #end: () => void = () => undefined

  /** `root` is where the API is, as a whole address. */
  constructor(root: string) {
    this.#root = root
  }

  /** Reads and sends the files; the promise resolves when it has ended, whatever came of it: `phase` says what. */
  start(files: readonly GivenFile[], as?: ImportAs): Promise<void> {
    this.phase = 'reading'
    this.totalBytes = files.reduce((sum, { file }) => sum + file.size, 0)
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- the bundler reads this address, no page does
    const worker = new Worker(new URL('./import-worker.ts', import.meta.url), { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<ImportNews>) => this.#hear(data)
    worker.onerror = () => this.#hear({ type: 'failed', reason: 'The reader could not be loaded.' })
    const request: ImportRequest = { root: this.#root, files, as }
    worker.postMessage(request)
    this.#worker = worker
    return new Promise((resolve) => (this.#end = resolve))
  }

  /** Reads no further. What was sent stays, in whole batches. */
  cancel(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    if (this.phase === 'reading') this.phase = 'cancelled'
    this.#end()
  }

  #hear(news: ImportNews): void {
    if (news.type === 'progress') {
      this.path = news.path
      this.bytes = news.bytes
      return
    }
    this.#worker?.terminate()
    if (news.type === 'failed') {
      this.failure = news.reason
      this.phase = 'failed'
    } else {
      this.runs = news.runs
      this.passed = news.passed
      this.phase = 'done'
    }
    this.#end()
  }
}
