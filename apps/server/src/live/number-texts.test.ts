import { LAYER_PREFIX, parsePoints } from '@normwatch/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { numberTexts } from './number-texts.ts'

const textsOf = (text: string) => {
  const body = JSON.parse(text) as { columns: { step: unknown[] } }
  const parsed = parsePoints(body)
  if (!parsed.ok) throw new Error('refused')
  return { columns: parsed.columns, texts: numberTexts(text, body.columns.step, parsed.columns) }
}

it('are what was sent', () => {
  const { texts } = textsOf('{"columns":{"step":[1,2,3],"grad_norm":[0.50,1e-3,"NaN"],"loss":[null,2,-0]}}')
  expect([...(texts ?? [])]).toEqual([
    ['step', '1,2,3'],
    ['grad_norm', '0.50,1e-3,"NaN"'],
    ['loss', 'null,2,-0'],
  ])
})

it.each([
  ['a name that stands twice', '{"columns":{"step":[1],"loss":[1],"loss":[2]}}', ['step']],
  ['a layer of the same name', '{"columns":{"step":[1],"loss":[1],"layers":{"loss":[2]}}}', ['step']],
  ['a name written with an escape', '{"columns":{"step":[1],"loss":[1],"lo\\u0073s":[2]}}', []],
  ['space before the list', '{"columns":{"step":[1],"loss": [1]}}', ['step']],
  ['needless digits', `{"columns":{"step":[1],"loss":[1.${'0'.repeat(30)}]}}`, ['step']],
  ['steps that were put in order', '{"columns":{"step":[2,1],"loss":[1,2]}}', []],
  ['a step that stands twice', '{"columns":{"step":[1,1],"loss":[1,2]}}', []],
])('are left to be written anew with %s', (_, text, names) => {
  expect([...(textsOf(text).texts?.keys() ?? [])]).toEqual(names)
})

it('are not kept where most of the text is something else', () => {
  expect(textsOf(`{"columns":{"step":[1],"loss":[1]}${' '.repeat(10_000)}}`).texts).toBeUndefined()
})

it('say what the columns hold, whatever the metrics are called (property)', () => {
  const name = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom('step', 'loss', 'layers', '":[', 'NaN', ']'),
  )
  const reading = fc.oneof(
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.constantFrom(null, 'NaN', 'Infinity'),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.array(reading, { minLength: 3, maxLength: 3 })), { maxLength: 6 }),
      fc.array(fc.nat(4), { minLength: 3, maxLength: 3 }),
      (lists, step) => {
        const fields = lists.map(([name, list]) => `${JSON.stringify(name)}:${JSON.stringify(list)}`)
        const text = `{"columns":{${[...fields, `"step":${JSON.stringify(step)}`].join()}}}`
        const parsed = parsePoints(JSON.parse(text))
        if (!parsed.ok) return
        const { columns, texts } = textsOf(text)
        for (const [name, list] of texts ?? []) {
          const body: object = {
            columns: { step: [...columns.step], [name]: JSON.parse(`[${list}]`) as unknown[] },
          }
          const again = parsePoints(body)
          expect(name.startsWith(LAYER_PREFIX)).toBe(false)
          if (name === 'step') expect(JSON.parse(`[${list}]`)).toEqual([...columns.step])
          else expect(again.ok && again.columns.metrics.get(name)).toEqual(columns.metrics.get(name))
        }
      },
    ),
    { numRuns: 500 },
  )
})
