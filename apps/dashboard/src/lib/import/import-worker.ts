/** Reads logs away from the page's own thread, with the readers of `normwatch import`, and sends what they hold. */
import {
  capWords,
  ChunkedLog,
  importLogs,
  joinFiles,
  normWords,
  recogniseStream,
  remarksOn,
  RunSender,
  type ImportApi,
  type KnownFile,
  type Outcome,
  type Passed,
} from '@normwatch/importers'
import { failureOf, sentenceOf } from '#lib/api/failure.ts'
import type { GivenFile } from './dropped-files.ts'
import type { ImportNews, ImportRequest, RunWords } from './messages.ts'

/** Bytes of a configuration beside a log that are looked at. */
const MAX_BESIDE = 1024 * 1024
/** Milliseconds between two words on how far the reading is. */
const PROGRESS_MS = 100
const MAX_TRIES = 30

const say = (news: ImportNews): void => postMessage(news)

addEventListener('message', ({ data }: MessageEvent<ImportRequest>) => {
  importFiles(data).then(say, (error: unknown) => say({ type: 'failed', reason: sentenceOf(error) }))
})

async function importFiles({ root, files, as = {} }: ImportRequest): Promise<ImportNews> {
  const byPath = new Map(files.map(({ path, file }) => [path, file]))
  const passed: Passed[] = []
  const progress = new Progress()
  const known: KnownFile[] = []
  for (const given of files) {
    const format = await formatOf(given, passed)
    if (format === undefined) continue
    const { path, file } = given
    known.push({ path, format, size: file.size, chunks: () => progress.read(path, file) })
  }
  const { maxNorm, project, name, tags = [] } = as
  const sender = new RunSender(apiAt(root), { project, name, tags })
  const outcomes = await importLogs(
    joinFiles(known, passed),
    sender,
    {
      withoutNorms: false,
      ...(maxNorm !== undefined && { maxNorm }),
      besideOf: (log) => async (beside) => {
        const file = byPath.get(pathBeside(log, beside))
        return file && new Uint8Array(await file.slice(0, MAX_BESIDE).arrayBuffer())
      },
      isFileError: (error): error is Error => error instanceof DOMException,
    },
    passed,
  )
  return { type: 'done', runs: outcomes.map(wordsOf), passed }
}

async function formatOf({ path, file }: GivenFile, passed: Passed[]): Promise<string | undefined> {
  if (file.size === 0) {
    passed.push({ path, reason: 'It is empty.' })
    return undefined
  }
  const stream = new ChunkedLog(path, chunksOf(file))
  try {
    return (await recogniseStream(stream)).name
  } catch (error) {
    passed.push({ path, reason: sentenceOf(error) })
    return undefined
  } finally {
    await stream.close()
  }
}

class Progress {
  #bytes = 0
  #saidAt = 0

  /** A file's chunks; tells the page how far the reading is. */
  async *read(path: string, file: File): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunksOf(file)) {
      this.#bytes += chunk.length
      if (performance.now() - this.#saidAt > PROGRESS_MS) {
        this.#saidAt = performance.now()
        say({ type: 'progress', path, bytes: this.#bytes })
      }
      yield chunk
    }
  }
}

async function* chunksOf(file: File): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}

/** The path of a file beside a log, `..` within it followed. */
function pathBeside(log: string, beside: string): string {
  const parts = log.split('/').slice(0, -1)
  for (const part of beside.split('/')) {
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

function wordsOf({ run, added, state }: Outcome): RunWords {
  return {
    id: run.id,
    name: run.name,
    format: run.format,
    points: state?.points ?? run.rows,
    added,
    cap: capWords(run),
    norm: normWords(run),
    nonfinite: run.nonfinite.grad_norm + run.nonfinite.loss,
    seams: run.events.length,
    state,
    remarks: remarksOn(run),
  }
}

function apiAt(root: string): ImportApi {
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    for (let tries = 0; ; tries++) {
      const response = await fetch(root + path, init)
      const isBusy = response.status === 429 || response.status === 503
      if (!isBusy || tries === MAX_TRIES) return response
      await response.body?.cancel()
      const seconds = Number(response.headers.get('retry-after') ?? 1)
      await new Promise((resolve) => setTimeout(resolve, Math.min(10, Math.max(0.1, seconds)) * 1000))
    }
  }
  const replyOf = async <Reply>(response: Response): Promise<Reply> => {
    if (!response.ok) throw await failureOf(response)
    return (await response.json()) as Reply
  }
  return {
    async find<Reply>(path: string) {
      const response = await ask(path)
      return response.status === 404 ? undefined : replyOf<Reply>(response)
    },
    async send<Reply>(method: string, path: string, body: string) {
      const headers = { 'content-type': 'application/json' }
      return replyOf<Reply>(await ask(path, { method, headers, body }))
    },
    async remove(path) {
      const response = await ask(path, { method: 'DELETE' })
      if (response.ok) return true
      if (response.status === 403) return false
      throw await failureOf(response)
    },
  }
}
