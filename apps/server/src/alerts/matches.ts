import { SEVERITIES, type Run } from '@normwatch/protocol'
import type { StoredChannel, StoredMute } from '../storage/alert-store.ts'
import type { StoredFinding } from '../storage/store.ts'

export type MatchedRun = Pick<Run, 'id' | 'name' | 'project' | 'tags'>
export type ChannelFilter = Pick<
  StoredChannel,
  'enabled' | 'project' | 'kinds' | 'min_severity' | 'text' | 'tag'
>

/** Whether a channel is notified of a finding: it is enabled and all of its filters match. */
export function matches(
  channel: ChannelFilter,
  finding: Pick<StoredFinding, 'kind' | 'severity'>,
  run: MatchedRun,
): boolean {
  return (
    channel.enabled &&
    (channel.project === null || channel.project === run.project) &&
    (channel.kinds === null || channel.kinds.includes(finding.kind)) &&
    SEVERITIES.indexOf(finding.severity) >= SEVERITIES.indexOf(channel.min_severity) &&
    (channel.tag === null || run.tags.includes(channel.tag)) &&
    (channel.text === null || contains(run, channel.text))
  )
}

/** The mute in force that covers a finding longest, if any: every field that it sets matches. */
export function muteOf(
  finding: Pick<StoredFinding, 'kind' | 'severity'>,
  run: MatchedRun,
  mutes: readonly StoredMute[],
  now: number,
): StoredMute | undefined {
  return mutes
    .filter(
      (mute) =>
        mute.until > now &&
        (mute.run === null || mute.run === run.id) &&
        (mute.project === null || mute.project === run.project) &&
        (mute.kind === null || mute.kind === finding.kind),
    )
    .sort((a, b) => b.until - a.until)[0]
}

function contains(run: MatchedRun, text: string): boolean {
  const wanted = text.toLowerCase()
  return [run.id, run.name, run.project].some((field) => field.toLowerCase().includes(wanted))
}
