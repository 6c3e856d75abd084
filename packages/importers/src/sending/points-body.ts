import { encodeColumn, LAYER_PREFIX, type PointColumns, type WireNumber } from '@normwatch/protocol'

/** Numbers that are written at once: what is made for them is garbage while it is still young. */
const SLICE = 512
/** Bytes that a number may take, with the comma after it, and those that most take at the most. */
const NUMBER_BYTES = 26
const USUAL_BYTES = 12

const encoder = new TextEncoder()

/** The body of `POST …/points` for rows `from` to `to`, as UTF-8. Metrics without a reading there are left out. */
export function pointsBody(
  { step, time, metrics }: PointColumns,
  from: number,
  to: number,
): Uint8Array<ArrayBuffer> {
  const body = new Body((to - from) * (metrics.size + 2) * USUAL_BYTES)
  body.write('{"columns":{"step":')
  body.column(step.subarray(from, to), null)
  const times = time.subarray(from, to)
  const timed = Uint8Array.from(times, (at) => (Number.isNaN(at) ? 0 : 1))
  if (timed.includes(1)) {
    body.write(',"time":')
    body.column(times, timed)
  }
  const layers: (() => void)[] = []
  for (const [name, { values, present }] of metrics) {
    const has = present?.subarray(from, to) ?? null
    if (has !== null && !has.includes(1)) continue
    const write = (shown: string): void => {
      body.write(`${JSON.stringify(shown)}:`)
      // a step's cap must be above 0; others are no caps
      body.column(values.subarray(from, to), has, name === 'max_norm' ? capOrNone : undefined)
    }
    if (name.startsWith(LAYER_PREFIX)) layers.push(() => write(name.slice(LAYER_PREFIX.length)))
    else {
      body.write(',')
      write(name)
    }
  }
  layers.forEach((write, i) => {
    body.write(i === 0 ? ',"layers":{' : ',')
    write()
  })
  body.write(layers.length === 0 ? '}}' : '}}}')
  return body.finish()
}

/** A step's cap as the server takes it: above 0. A NaN is no cap. */
function capOrNone(cap: WireNumber | null): WireNumber | null {
  return cap === 'NaN' || cap === '-Infinity' || (typeof cap === 'number' && cap <= 0) ? null : cap
}

/** Bytes of JSON that grow as they are written. */
class Body {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes)
  }

  write(text: string): void {
    this.#reserve(text.length * 3)
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written
  }

  /** A list of numbers, a slice at a time. `null` marks those that are not there. */
  column(
    values: Float64Array,
    present: Uint8Array | null,
    mended?: (value: WireNumber | null) => WireNumber | null,
  ): void {
    this.write('[')
    for (let from = 0; from < values.length; from += SLICE) {
      const part = encodeColumn(
        values.subarray(from, from + SLICE),
        present?.subarray(from, from + SLICE) ?? null,
      )
      const text = JSON.stringify(mended === undefined ? part : part.map(mended))
      this.#reserve(SLICE * NUMBER_BYTES)
      if (from > 0) this.write(',')
      this.write(text.slice(1, -1))
    }
    this.write(']')
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
