import type { AlertRules } from '../storage/alert-store.ts'
import { matches, muteOf } from './matches.ts'

/**
 * Which channels are notified of a finding, and when. Events of a channel within the window after a first event go out in
 * one message; with a window of 0 every event goes out at once, alone. A mute is a longer window: the opening waits for
 * its end, and is taken back if the finding closes before.
 */
export function groupedBy(windowSeconds: number): AlertRules {
  const dueAt = (now: number) => now + windowSeconds * 1000
  return {
    dueAt,
    routes: (finding, run, channels, mutes, now) => {
      const mute = muteOf(finding, run, mutes, now)
      return channels
        .filter((channel) => matches(channel, finding, run))
        .map((channel) => ({
          channel: channel.id,
          due_at: Math.max(dueAt(now), mute === undefined ? 0 : mute.until),
          mute: mute?.id ?? null,
        }))
    },
  }
}
