import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { RunList } from '@normwatch/protocol'
import { jsonLine } from './logs.ts'

const NORMWATCH = join(import.meta.dirname, '../../apps/server/src/cli/normwatch.ts')
const FILES = 100
const LINES = 100
const IDLE_MS = 20_000

/** Follows 100 logs. Measures the share of a core while nothing is written, and the ms until a written line is in the server. */
export async function followIdleLogs(url: string, folder: string) {
  mkdirSync(folder)
  const text = Array.from({ length: LINES }, (_, step) => jsonLine(step)).join('')
  for (let i = 0; i < FILES; i++) writeFileSync(join(folder, `${i}.jsonl`), text)
  const child = spawn(process.execPath, [NORMWATCH, 'import', folder, '--follow', '--project', 'followed'], {
    stdio: 'ignore',
    env: { ...process.env, NORMWATCH_URL: url },
  })
  const points = async (): Promise<number> => {
    const reply = await fetch(`${url}/api/v1/runs?limit=200&project=followed`)
    return ((await reply.json()) as RunList).runs.reduce((sum, run) => sum + run.points, 0)
  }
  const cpuSeconds = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  }
  try {
    while ((await points()) < FILES * LINES) await setTimeout(200)
    await setTimeout(2000)
    const [cpu, begin] = [cpuSeconds(), performance.now()]
    await setTimeout(IDLE_MS)
    const percentOfACore = ((cpuSeconds() - cpu) / (performance.now() - begin)) * 100_000
    const milliseconds: number[] = []
    for (let i = 0; i < 5; i++) {
      const written = performance.now()
      appendFileSync(join(folder, `${i}.jsonl`), jsonLine(LINES))
      while ((await points()) <= FILES * LINES + i) await setTimeout(10)
      milliseconds.push(Math.round(performance.now() - written))
    }
    return { files: FILES, percentOfACore, milliseconds }
  } finally {
    child.kill('SIGINT')
  }
}
