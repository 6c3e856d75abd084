/**
 * A beat inside the server: `node --import bench/access/beat.ts …` appends a line to the file BEAT_FILE for each beat that a
 * turn of the event loop delayed: when (milliseconds since 1970), how long that was, and how long the main thread ran in it.
 * On a busy machine only the last figure is the code's own.
 */
import { appendFileSync } from 'node:fs'

const EVERY_MS = 5
const file = process.env['BEAT_FILE']

/** Milliseconds of processor time of this thread. */
function ran(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

if (file !== undefined) {
  let [last, lastRan] = [performance.now(), ran()]
  setInterval(() => {
    const [now, nowRan] = [performance.now(), ran()]
    const [delay, turn] = [now - last - EVERY_MS, nowRan - lastRan]
    if (turn > 2 * EVERY_MS) appendFileSync(file, `${Date.now()} ${delay.toFixed(1)} ${turn.toFixed(1)}\n`)
    ;[last, lastRan] = [now, nowRan]
  }, EVERY_MS).unref()
}
