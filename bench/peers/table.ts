/** The measurements of one tracker. A figure that it does not have is left out. */
export interface Figures {
  readonly name: string
  readonly steps: number
  /** One figure per round. */
  readonly ingestSeconds?: readonly number[]
  readonly scalarsPerSecond?: number
  readonly bytesAScalar?: number
  readonly startSeconds?: number
  readonly idleMegabytes?: number
  readonly chartMilliseconds?: number
  readonly chartPoints?: number
  readonly spikes?: number
  readonly spikesSeen?: number
  readonly loadAverage?: number
  readonly failed?: string
}

const COLUMNS = [
  'scalarsPerSecond',
  'bytesAScalar',
  'chartMilliseconds',
  'startSeconds',
  'idleMegabytes',
] as const

/** A table of all trackers. Ours is the first row, and every other figure says by what factor ours is better. */
export function printed(figures: readonly Figures[]): string {
  const ours = figures[0]
  const cell = (row: Figures, column: (typeof COLUMNS)[number]) => {
    const [value, own] = [row[column], ours?.[column]]
    if (value === undefined || own === undefined || row === ours) return `${value ?? '–'}`
    const ratio = column === 'scalarsPerSecond' ? own / value : value / own
    return `${value} (${ratio.toPrecision(2)} ×)`
  }
  const rows = figures.map((row) => {
    const spikes = row.spikes === undefined ? '–' : `${row.spikesSeen} of ${row.spikes}`
    return [row.name, ...COLUMNS.map((column) => cell(row, column)), spikes].join(' | ')
  })
  const head = ['tracker', ...COLUMNS, 'spikes seen']
  return [head.join(' | '), head.map(() => '---').join(' | '), ...rows].map((row) => `| ${row} |`).join('\n')
}
