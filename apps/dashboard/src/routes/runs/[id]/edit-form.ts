import type { Clip, Run, RunPatch } from '@normwatch/protocol'

/** What the edit dialog holds: text as a person types it. */
export interface EditForm {
  name: string
  tags: string
  notes: string
  mode: Clip['mode']
  /** The number that belongs to the mode: `max_norm`, `clip_value`, or the reference cap. */
  cap: string
}

export function formOf({ name, tags, notes, clip }: Run): EditForm {
  return { name, tags: tags.join(', '), notes, mode: clip.mode, cap: capText(clip) }
}

/** What changed, as the server takes it; `undefined` for an invalid cap. */
export function patchOf(run: Run, form: EditForm): RunPatch | undefined {
  const clip = clipOf(form, run.clip)
  if (clip === undefined) return undefined
  const tags = [...new Set(form.tags.split(/[,\s]+/).map((tag) => tag.replace(/^#/, '')))].filter(Boolean)
  return {
    ...(form.name !== run.name && { name: form.name }),
    ...(tags.join() !== run.tags.join() && { tags }),
    ...(form.notes !== run.notes && { notes: form.notes }),
    ...(JSON.stringify(clip) !== JSON.stringify(run.clip) && { clip }),
  }
}

function clipOf({ mode, cap }: EditForm, before: Clip): Clip | undefined {
  if (capText(before) === cap && before.mode === mode) return before
  if (mode === 'none' && cap.trim() === '') return { mode, max_norm: null }
  const value = Number(cap)
  if (cap.trim() === '' || !Number.isFinite(value) || value <= 0) return undefined
  if (mode === 'value') {
    const threshold = before.mode === 'value' ? before.fraction_threshold : undefined
    return { mode, clip_value: value, ...(threshold !== undefined && { fraction_threshold: threshold }) }
  }
  return { mode, max_norm: value }
}

function capText(clip: Clip): string {
  return String((clip.mode === 'value' ? clip.clip_value : clip.max_norm) ?? '')
}
