import type { LayersReply, Run } from '@normwatch/protocol'
import type { Server } from '../server.ts'

/** Stretches of the record that a row of the map has: it is a picture, no record. */
const STRETCHES = 150
/** Rows that can be told apart. */
const MAX_ROWS = 128

/** The norms of layers for the page's heat map: a row a layer, a value a stretch of steps. */
export interface LayerMap extends Pick<LayersReply, 'step' | 'to' | 'bucket' | 'layers' | 'values'> {
  /** Layers of the run that are not on the map: those with the smallest norms. */
  readonly leftOut: number
}

/** The map of a run's layers in the order of their names; `undefined` for a run without layers. */
export async function layerMap(server: Server, run: Run): Promise<LayerMap | undefined> {
  const reply = await server.get<LayersReply>(`/runs/${run.id}/layers`, { max_points: STRETCHES })
  if (reply.layers.length === 0) return undefined
  const rows = reply.layers.map((name, i) => {
    const values = reply.values[i] as LayersReply['values'][number]
    return { name, values, weight: values.reduce<number>((sum, norm) => sum + (norm ?? 0) ** 2, 0) }
  })
  const kept = rows.sort((a, b) => b.weight - a.weight).slice(0, MAX_ROWS)
  const byName = new Intl.Collator('en', { numeric: true })
  kept.sort((a, b) => byName.compare(a.name, b.name))
  const { step, to, bucket } = reply
  return {
    step,
    to,
    bucket,
    layers: kept.map(({ name }) => name),
    values: kept.map(({ values }) => values),
    leftOut: rows.length - kept.length,
  }
}
