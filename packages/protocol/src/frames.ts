import type { Static } from 'typebox'
import { Type } from './schema.ts'
import type { Finding } from './finding.ts'
import type { Run } from './run.ts'
import type { RunEvent } from './run-event.ts'
import { RunIdSchema } from './run.ts'
import type { WireNumber } from './numbers.ts'

const closed = { additionalProperties: false }
const Metrics = Type.Array(Type.String({ minLength: 1, maxLength: 136 }), { minItems: 1, maxItems: 64 })
const RunsFilter = Type.Object(
  { project: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })) },
  closed,
)

/** Messages from a reader on `/live`. `after` is the `seq` of the last frame it has seen of that run. */
export const LiveRequestSchema = Type.Union([
  Type.Object(
    {
      type: Type.Literal('watch'),
      run: RunIdSchema,
      metrics: Type.Optional(Metrics),
      after: Type.Optional(Type.Integer({ minimum: 0 })),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('watch'), runs: RunsFilter }, closed),
  Type.Object({ type: Type.Literal('unwatch'), run: RunIdSchema }, closed),
  Type.Object({ type: Type.Literal('unwatch'), runs: RunsFilter }, closed),
])
export type LiveRequest = Static<typeof LiveRequestSchema>

/** Points as parallel columns: `step`, `time` and the metrics watched; `null` marks a step without a reading. */
export type LiveColumns = { step: number[]; time: number[] } & Record<string, (WireNumber | null)[]>

/**
 * Messages from the server on `/live`. `seq` grows over all frames of a server, also across its restarts. A deleted run
 * is announced by a `gap` with the reason `deleted`. Frames that a watch of the list brings leave the run's `config` out.
 */
export type LiveFrame =
  | { type: 'points'; run: string; seq: number; columns: LiveColumns }
  | { type: 'run'; seq: number; run: Run }
  | { type: 'finding'; seq: number; finding: Finding }
  | { type: 'event'; run: string; seq: number; event: RunEvent }
  | { type: 'gap'; run: string; reason: GapReason }
  | { type: 'error'; code: string; message: string }

/** Why a reader should fetch again. */
export type GapReason = 'slow' | 'after_too_old' | 'truncated' | 'deleted' | 'judged_again'
