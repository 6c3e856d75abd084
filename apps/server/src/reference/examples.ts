/** A request that works: values of the parameters and the body. */
export interface Example {
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

/** Values of parameters in paths, by the word before them. Names in capitals stand for ids that the server made. */
export const pathExamples: Readonly<Record<string, string>> = {
  runs: 'first',
  projects: 'toy-rnn',
  channels: 'CHANNEL',
  deliveries: 'DELIVERY',
  mutes: 'MUTE',
  tokens: 'TOKEN',
  sessions: 'SESSION',
}

/** By method and path. A test sends them all, in this order where one needs another's result. */
export const examples: Readonly<Record<string, Example>> = {
  'PUT /api/v1/runs/{id}': {
    body: {
      project: 'toy-rnn',
      name: 'clip 1.0',
      clip: { mode: 'norm', max_norm: 1 },
      optimizer: 'adamw',
      config: { lr: 0.001, warmup_steps: 100 },
      tags: ['baseline'],
    },
  },
  'POST /api/v1/runs': { body: { project: 'toy-rnn', name: 'no cap', clip: { mode: 'none' } } },
  'PATCH /api/v1/runs/{id}': { body: { status: 'finished', notes: 'loss 0.02 after 2,000 steps' } },
  'POST /api/v1/runs/{id}/points': {
    body: {
      columns: {
        step: [0, 1, 2],
        grad_norm: [1.73, 'Infinity', 0.94],
        loss: [2.31, null, 2.28],
        lr: [0.00001, 0.00002, 0.00003],
      },
    },
  },
  'GET /api/v1/runs/{id}/points': {
    parameters: { from: 0, to: 999, metric: ['grad_norm', 'loss'], format: 'csv' },
  },
  'GET /api/v1/runs': { parameters: { project: 'toy-rnn', sort: 'attention', limit: 20 } },
  'GET /api/v1/runs/{id}/series': { parameters: { metric: ['grad_norm', 'loss'], max_points: 500 } },
  'GET /api/v1/runs/{id}/caps': { parameters: { cap: [0.5, 1, 2] } },
  'GET /api/v1/runs/{id}/snapshot': { parameters: { around: 2, width: 20 } },
  'GET /api/v1/compare': { parameters: { run: ['first', 'second'] } },
  'POST /api/v1/runs/{id}/events': {
    body: { events: [{ step: 1, label: 'checkpoint saved', text: 'ckpt-1.pt' }] },
  },
  'GET /api/v1/findings': { parameters: { kind: 'clip_saturated', state: 'open' } },
  'PUT /api/v1/projects/{project}/settings': { body: { clip_saturated: { open_rate: 0.95 } } },
  'PUT /api/v1/runs/{id}/settings': { body: { clip_saturated: { open_rate: 0.95 } } },
  'POST /api/v1/runs/{id}/preview': { body: { clip_saturated: { open_rate: 0.95 } } },
  'POST /api/v1/channels': {
    body: { kind: 'webhook', url: 'https://hooks.example.com/normwatch', min_severity: 'warning' },
  },
  'PATCH /api/v1/channels/{id}': { body: { project: 'toy-rnn', kinds: ['clip_saturated', 'nonfinite'] } },
  'GET /api/v1/deliveries': { parameters: { run: 'first', state: 'failed' } },
  'POST /api/v1/mutes': { body: { run: 'first', until: '2100-01-01T00:00:00Z' } },
  'POST /api/v1/tokens': {
    body: { name: 'cluster', scope: 'write', projects: ['toy-rnn', 'vision-*'], expires_in_days: 90 },
  },
  'PUT /api/v1/projects/{project}/limits': { body: { max_runs: 1000, max_points: null } },
  'GET /api/v1/audit': { parameters: { action: 'token.create', limit: 20 } },
  'GET /api/v1/audit/export': { parameters: { from: '2026-01-01T00:00:00Z' } },
  'POST /api/v1/session': { body: { token: 'SECRET' } },
}
