/** A batch of the adding problem. Shapes: `inputs` [sequences, length, 2], `targets` [sequences, 1], both row-major. */
export interface Batch {
  readonly inputs: Float32Array
  readonly targets: Float32Array
}

/**
 * The adding problem (Hochreiter & Schmidhuber, 1997). Each step of a sequence has a number in [0, 1) and a mark. The answer
 * is the sum of the two marked numbers, one in each half. Always answering 1 gives a mean squared error of 1/6.
 */
export function makeBatch(random: () => number, sequences: number, length: number): Batch {
  const inputs = new Float32Array(sequences * length * 2)
  const targets = new Float32Array(sequences)
  for (let i = 0; i < sequences; i++) {
    const start = i * length * 2
    for (let t = 0; t < length; t++) inputs[start + 2 * t] = random()
    const half = length / 2
    for (const marked of [Math.floor(random() * half), Math.floor(half + random() * half)]) {
      inputs[start + 2 * marked + 1] = 1
      targets[i] = (targets[i] as number) + (inputs[start + 2 * marked] as number)
    }
  }
  return { inputs, targets }
}

/** Mulberry32 (Tommy Ettinger, public domain). Numbers in [0, 1); a seed gives the same numbers on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
