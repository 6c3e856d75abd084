import type {
  Channel,
  ChannelKind,
  ChannelPatch,
  FindingKind,
  NewChannel,
  Severity,
} from '@normwatch/protocol'

/** What the form of a channel holds: text as a person types it. */
export interface ChannelForm {
  kind: ChannelKind
  /** Of an email channel: its recipients, separated by commas. */
  url: string
  name: string
  project: string
  /** None selected: all kinds. */
  kinds: FindingKind[]
  min_severity: Severity
  text: string
  tag: string
  remind_hours: string
}

/** What is wrong, by field. */
export type Faults = Partial<Record<keyof ChannelForm, string>>

/** The form of a channel; of a new one without. A stored address is masked, so an edit starts with none. */
export function formOf(channel?: Channel): ChannelForm {
  return {
    kind: channel?.kind ?? 'webhook',
    url: '',
    name: channel?.name ?? '',
    project: channel?.project ?? '',
    kinds: [...(channel?.kinds ?? [])],
    min_severity: channel?.min_severity ?? 'warning',
    text: channel?.text ?? '',
    tag: channel?.tag ?? '',
    remind_hours: String(channel?.remind_hours ?? ''),
  }
}

/** What can be told here to be wrong; the server has the last word. An empty address stands for the stored one in an edit. */
export function faultsOf(form: ChannelForm, isNew: boolean): Faults {
  const url = form.url.trim() === '' && !isNew ? undefined : addressFault(form)
  const hours = Number(form.remind_hours)
  const hasHours = form.remind_hours.trim() !== ''
  return {
    ...(url !== undefined && { url }),
    ...(hasHours &&
      !(hours > 0 && hours <= 8760) && { remind_hours: 'must be a number of hours, at most 8760' }),
  }
}

function addressFault({ kind, url }: ChannelForm): string | undefined {
  const text = url.trim()
  if (kind === 'email') {
    const bad = recipients(text).find((address) => !/^[^\s@]+@[^\s@]+$/.test(address))
    return bad === undefined
      ? undefined
      : bad === ''
        ? 'an address is missing'
        : `“${bad}” is not an email address`
  }
  if (text === '') return 'an address is missing'
  const target = URL.parse(text)
  if (target === null || !['http:', 'https:'].includes(target.protocol))
    return 'must be an http or https address'
  if (target.username !== '' || target.password !== '') return 'must not contain a user name or password'
  return undefined
}

export function newChannelOf(form: ChannelForm): NewChannel {
  const { name, ...rest } = fieldsOf(form)
  return { kind: form.kind, url: addressOf(form), ...rest, ...(name !== '' && { name }) }
}

/** Everything that the form holds, the address only if one was entered: a reply's is masked. */
export function patchOf(form: ChannelForm): ChannelPatch {
  return { ...fieldsOf(form), ...(form.url.trim() !== '' && { url: addressOf(form) }) }
}

function fieldsOf(form: ChannelForm) {
  const given = (text: string) => text.trim() || null
  return {
    name: form.name.trim(),
    project: given(form.project),
    kinds: form.kinds.length === 0 ? null : [...form.kinds],
    min_severity: form.min_severity,
    text: given(form.text),
    tag: given(form.tag),
    remind_hours: form.remind_hours.trim() === '' ? null : Number(form.remind_hours),
  }
}

function addressOf({ kind, url }: ChannelForm): string {
  if (kind !== 'email') return url.trim()
  return `mailto:${recipients(url).join(',').replaceAll('%', '%25')}`
}

function recipients(text: string): string[] {
  return text
    .replace(/^mailto:/i, '')
    .split(',')
    .map((address) => address.trim())
}
