import {
  causes,
  findingKinds,
  settingsTable,
  type Change,
  type FindingKindRecord,
} from '../../packages/detector/src/index.ts'
import { judgeRecordedRuns, type Judged } from '../../packages/detector/test/recorded-runs.ts'
import { table } from './markdown.ts'

/** The sections of docs/detection.md that are generated from the code and the recorded logs, by name. */
export function docsSections(): Readonly<Record<string, string>> {
  return {
    kinds: kindsSection(),
    causes: causesSection(),
    settings: settingsSection(),
    recorded: recordedSection(),
  }
}

function kindsSection(): string {
  const rows = Object.entries<FindingKindRecord>(findingKinds).map(([kind, record]) => [
    `\`${kind}\``,
    record.severityNote === undefined ? record.severity : `${record.severity}, ${record.severityNote}`,
    record.opens,
    record.closes,
  ])
  return table(['kind', 'severity', 'opens', 'closes'], rows)
}

function causesSection(): string {
  const kinds = Object.entries<FindingKindRecord>(findingKinds)
  const rows = Object.entries(causes).map(([cause, { seen }]) => [
    `\`${cause}\``,
    seen,
    kinds
      .filter(([, record]) => (record.causes as readonly string[]).includes(cause))
      .map(([kind]) => `\`${kind}\``)
      .join(', '),
  ])
  return table(['cause', 'what must be seen', 'checked at'], rows)
}

function settingsSection(): string {
  return Object.entries(settingsTable)
    .map(([section, settings]) => {
      const rows = Object.entries(settings).flatMap(([name, setting]) =>
        'min' in setting
          ? [[`\`${name}\``, setting.default, `${setting.min} to ${setting.max}`, setting.why]]
          : [],
      )
      return `### \`${section}\`\n\n${table(['setting', 'default', 'may be', 'why'], rows)}`
    })
    .join('\n\n')
}

function recordedSection(): string {
  const rows = judgeRecordedRuns().map((run) => [
    run.name,
    run.norms,
    run.health,
    run.finalHealth,
    findingsOf(run) || 'none',
  ])
  return table(['log', 'norms', 'while it ran', 'at its end', 'findings (point of the log)'], rows)
}

/** A finding as `kind step–step (point)`, followed by its causes. */
function findingsOf({ changes }: Judged): string {
  return changes
    .flatMap(({ change, point }, i) => {
      if (change.type !== 'opened') return []
      const closed = changes
        .slice(i)
        .find((later) => later.change.type === 'closed' && later.change.kind === change.kind)
      return [`\`${change.kind}\` ${span(change, closed?.change)} (${point + 1})${causesOf(change)}`]
    })
    .join('; ')
}

function span(opened: Change, closed: Change | undefined): string {
  if (closed === undefined || closed.step === opened.step) return `${opened.step}`
  return `${opened.step}–${closed.type === 'closed' && closed.reason === 'recovered' ? closed.step : 'end'}`
}

function causesOf(change: Change & { type: 'opened' }): string {
  return change.diagnosis.length === 0 ? '' : `, ${change.diagnosis.map(({ cause }) => cause).join(', ')}`
}
