import type { Column } from '../src/index.ts'
import type { Noise } from './noise.ts'

/** Makes the readings of one metric, one after the other; `undefined` where it is not logged. */
type Maker = (noise: Noise) => (i: number) => number | undefined

function remembering(memory: number): Maker {
  return (noise) => {
    let last = noise.normal()
    const innovation = Math.sqrt(1 - memory ** 2)
    return () => 1 + 0.1 * (last = memory * last + innovation * noise.normal())
  }
}

/** Metrics that have nothing to do with anything, by what they are like. */
export const makers: Readonly<Record<string, Maker>> = {
  white: (noise) => () => 1 + 0.1 * noise.normal(),
  'memory 0.9': remembering(0.9),
  'memory 0.99': remembering(0.99),
  'heavy tails': (noise) => () => Math.exp(noise.student(3)),
  counter: (noise) => {
    let count = 1
    return () => (count += 5 + 10 * noise.uniform())
  },
  'saw-tooth': (noise) => {
    const period = 10 + Math.floor(50 * noise.uniform())
    const phase = Math.floor(period * noise.uniform())
    return (i) => ((i + phase) % period) + 0.1
  },
  'one in ten': (noise) => (i) => (i % 10 === 0 ? 1 + 0.1 * noise.normal() : undefined),
}

export function column(length: number, of: (i: number) => number | undefined): Column {
  const read = Array.from({ length }, (_, i) => of(i))
  return {
    values: Float64Array.from(read, (value) => value ?? 0),
    present: Uint8Array.from(read, (value) => (value === undefined ? 0 : 1)),
  }
}

/** So many metrics, as many of each kind. */
export function innocents(noise: Noise, count: number, length: number): Map<string, Column> {
  const kinds = Object.entries(makers)
  return new Map(
    Array.from({ length: count }, (_, i) => {
      const [kind, make] = kinds[i % kinds.length] as [string, Maker]
      return [`${kind} ${i}`, column(length, make(noise))]
    }),
  )
}
