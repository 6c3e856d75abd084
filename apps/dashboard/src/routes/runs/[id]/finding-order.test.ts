import type { Finding } from '@normwatch/protocol'
import { expect, it } from 'vitest'
import { orderFindings } from './finding-order.ts'

const finding = (
  id: string,
  severity: Finding['severity'],
  opened_step: number,
  close_reason: Finding['close_reason'] = null,
) =>
  ({ id, severity, opened_step, close_reason, state: close_reason === null ? 'open' : 'closed' }) as Finding
const ids = (findings: readonly Finding[]) => findings.map(({ id }) => id)

it('puts the gravest open finding first, then the earliest, and leaves the closed ones as they were', () => {
  const { current, past } = orderFindings(
    [
      finding('a', 'info', 1),
      finding('b', 'warning', 90),
      finding('c', 'critical', 95, 'recovered'),
      finding('d', 'warning', 20),
    ],
    'running',
  )
  expect([ids(current), ids(past)]).toEqual([['d', 'b', 'a'], ['c']])
})

it('counts what was open at the end of a run as what holds, unless the run goes on', () => {
  const findings = [finding('a', 'warning', 5, 'recovered'), finding('b', 'warning', 9, 'run_finished')]
  expect(ids(orderFindings(findings, 'finished').current)).toEqual(['b'])
  expect(ids(orderFindings(findings, 'running').current)).toEqual([])
})
