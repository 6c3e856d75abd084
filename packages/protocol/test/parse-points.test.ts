import { describe, expect, it } from 'vitest'
import { MAX_POINTS_PER_REQUEST, parsePoints } from '@normwatch/protocol'

const READING = 'must be a finite number, "NaN", "Infinity", "-Infinity" or null'
const STEP = 'must be a whole number from 0 to 2^53 - 1'
const TIME = 'must be Unix seconds, a number from 0 to 1e11'
const NAME =
  "a metric's name has 1 to 128 characters, none of them a control character or half of a surrogate pair"
const rows = (...points: unknown[]) => ({ points })
const columns = (given: unknown) => ({ columns: given })

/** Each bad body with the faults named: where, and what. */
const refused: [string, unknown, [string, string][]][] = [
  ['no body', undefined, [['', 'must be an object with "points" or "columns"']]],
  ['a list', [], [['', 'must be an object with "points" or "columns"']]],
  ['a text', 'points', [['', 'must be an object with "points" or "columns"']]],
  ['neither form', {}, [['', 'must hold exactly one field: "points" (rows) or "columns"']]],
  [
    'both forms',
    { points: [], columns: { step: [] } },
    [['', 'must hold exactly one field: "points" (rows) or "columns"']],
  ],
  [
    'an unknown field beside',
    { points: [], run: 'x' },
    [['', 'must hold exactly one field: "points" (rows) or "columns"']],
  ],
  ['rows that are no list', { points: {} }, [['/points', 'must be a list of points']]],
  ['a row that is null', rows(null), [['/points/0', 'must be an object with a "step"']]],
  ['a row that is a list', rows([1]), [['/points/0', 'must be an object with a "step"']]],
  ['a row without a step', rows({ loss: 1 }), [['/points/0/step', 'is required']]],
  ...[-1, 0.5, 2 ** 53, NaN, Infinity, '3', true, null].map((step): [string, unknown, [string, string][]] => [
    `the step ${JSON.stringify(step)}`,
    rows({ step: 0 }, { step }),
    [['/points/1/step', STEP]],
  ]),
  ...[-1, 1e11 + 1, 1764000000000, '1', true, null].map((time): [string, unknown, [string, string][]] => [
    `the time ${JSON.stringify(time)}`,
    rows({ step: 0, time }),
    [['/points/0/time', TIME]],
  ]),
  ...['', '0.5', 'nan', true, false, [], [1], {}].map((loss): [string, unknown, [string, string][]] => [
    `the reading ${JSON.stringify(loss)}`,
    rows({ step: 0, loss }),
    [['/points/0/loss', READING]],
  ]),
  [
    'a reading beyond float64',
    JSON.parse('{"points":[{"step":0,"loss":1e999}]}'),
    [['/points/0/loss', READING]],
  ],
  [
    'a column with a reading beyond float64',
    JSON.parse('{"columns":{"step":[0],"loss":[-1e999]}}'),
    [['/columns/loss/0', READING]],
  ],
  [
    'a name of 129 characters',
    rows({ step: 0, ['m'.repeat(129)]: 1 }),
    [[`/points/0/${'m'.repeat(129)}`, NAME]],
  ],
  ['a name with a line break', rows({ step: 0, 'a\nb': 1 }), [['/points/0/a\nb', NAME]]],
  ['half of a surrogate pair', rows({ step: 0, '\ud800': 1 }), [['/points/0/\ud800', NAME]]],
  [
    'the other half, of a layer',
    rows({ step: 0, layers: { '\udc00': 1 } }),
    [['/points/0/layers/\udc00', NAME]],
  ],
  ['an empty name', rows({ step: 0, '': 1 }), [['/points/0/', NAME]]],
  ['a layer without a name', rows({ step: 0, layers: { '': 1 } }), [['/points/0/layers/', NAME]]],
  [
    'layers that are a list',
    rows({ step: 0, layers: [1] }),
    [['/points/0/layers', 'must be an object: layer name → norm']],
  ],
  [
    'a bad layer, its name escaped',
    rows({ step: 0, layers: { 'a/b~c': true } }),
    [['/points/0/layers/a~1b~0c', READING]],
  ],
  [
    'several faults',
    rows({ loss: '' }, { step: 1, lr: true }),
    [
      ['/points/0/step', 'is required'],
      ['/points/0/loss', READING],
      ['/points/1/lr', READING],
    ],
  ],
  ['columns that are a list', columns([]), [['/columns', 'must be an object of lists']]],
  ['columns without steps', columns({ loss: [1] }), [['/columns/step', 'is required: a list of steps']]],
  ['a bad step in columns', columns({ step: [0, -1] }), [['/columns/step/1', STEP]]],
  ['a bad time in columns', columns({ step: [0], time: [-1] }), [['/columns/time/0', TIME]]],
  [
    'a column that is no list',
    columns({ step: [0], loss: 1 }),
    [['/columns/loss', 'must be a list, one reading a step']],
  ],
  [
    'a column too short',
    columns({ step: [0, 1], loss: [1] }),
    [['/columns/loss', 'has 1 readings for 2 steps']],
  ],
  ['a bad reading in columns', columns({ step: [0, 1], loss: [1, 'x'] }), [['/columns/loss/1', READING]]],
  [
    'layers in columns that are a list',
    columns({ step: [0], layers: [] }),
    [['/columns/layers', 'must be an object: layer name → list of norms']],
  ],
  [
    'a bad layer in columns',
    columns({ step: [0], layers: { a: ['x'] } }),
    [['/columns/layers/a/0', READING]],
  ],
  ['a bad name in columns', columns({ step: [0], 'a\u0000': [1] }), [['/columns/a\u0000', NAME]]],
]

describe('a body of points that is refused', () => {
  it.each(refused)('%s', (_name, body, faults) => {
    const parsed = parsePoints(body)
    expect(parsed).toEqual({
      ok: false,
      tooMany: false,
      details: faults.map(([path, message]) => ({ path, message })),
    })
  })

  it.each([
    ['rows', { points: Array.from({ length: MAX_POINTS_PER_REQUEST + 1 }, (_, step) => ({ step })) }],
    ['columns', { columns: { step: Array.from({ length: MAX_POINTS_PER_REQUEST + 1 }, (_, step) => step) } }],
  ])('holds more points than fit one request: %s', (_form, body) => {
    const parsed = parsePoints(body)
    expect(parsed).toMatchObject({ ok: false, tooMany: true })
    expect((parsed as { details: unknown[] }).details).toHaveLength(1)
  })

  it('names at most twenty faults', () => {
    const parsed = parsePoints({ points: Array.from({ length: 500 }, () => ({ step: -1 })) })
    expect((parsed as { details: unknown[] }).details).toHaveLength(20)
  })
})
