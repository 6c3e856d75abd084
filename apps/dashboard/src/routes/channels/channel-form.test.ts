import type { Channel } from '@normwatch/protocol'
import { describe, expect, it } from 'vitest'
import { faultsOf, formOf, newChannelOf, patchOf } from './channel-form.ts'

const stored: Channel = {
  id: 'ch_1',
  kind: 'webhook',
  url: 'https://hooks.example.org/normwatch?…',
  name: 'on call',
  project: 'vision',
  kinds: ['nonfinite'],
  min_severity: 'critical',
  text: null,
  tag: null,
  remind_hours: 4,
  enabled: true,
  disabled_reason: null,
  failing: null,
  old_secret_until: null,
  created_at: '2026-11-23T09:00:00.000Z',
  updated_at: '2026-11-23T09:00:00.000Z',
}

describe('the form of a channel', () => {
  it.each([
    ['webhook', '', /missing/],
    ['webhook', 'hooks.example.org', /http or https/],
    ['slack', 'ftp://example.org/', /http or https/],
    ['discord', 'https://me:secret@example.org/', /user name/],
    ['email', '', /missing/],
    ['email', 'ann@example.org, bob', /“bob”/],
    ['email', 'ann@example.org,', /missing/],
  ] as const)('says what is wrong with the %s address %j', (kind, url, fault) => {
    expect(faultsOf({ ...formOf(), kind, url }, true).url).toMatch(fault)
  })
  it.each([
    ['webhook', 'https://example.org/x', 'https://example.org/x'],
    ['email', 'ann@example.org, bob@example.org', 'mailto:ann@example.org,bob@example.org'],
    ['email', 'mailto:100%@example.org', 'mailto:100%25@example.org'],
  ] as const)('sends the %s address %j as %j', (kind, url, sent) => {
    const form = { ...formOf(), kind, url }
    expect(faultsOf(form, true)).toEqual({})
    expect(newChannelOf(form).url).toBe(sent)
  })
  it.each(['0', '-1', '9000', 'soon'])('refuses a reminder after %j hours', (remind_hours) => {
    expect(faultsOf({ ...formOf(stored), remind_hours }, false)).toHaveProperty('remind_hours')
  })
  it('leaves an empty name and empty filters to the server', () => {
    expect(newChannelOf({ ...formOf(), url: 'https://example.org' })).toEqual({
      kind: 'webhook',
      url: 'https://example.org',
      project: null,
      kinds: null,
      min_severity: 'warning',
      text: null,
      tag: null,
      remind_hours: null,
    })
  })
  it('never sends a masked address back', () => {
    const form = formOf(stored)
    expect(faultsOf(form, false)).toEqual({})
    expect(patchOf(form)).toEqual({
      name: 'on call',
      project: 'vision',
      kinds: ['nonfinite'],
      min_severity: 'critical',
      text: null,
      tag: null,
      remind_hours: 4,
    })
    expect(patchOf({ ...form, url: 'https://new.example.org/' })).toHaveProperty(
      'url',
      'https://new.example.org/',
    )
  })
})
