import { expect, it } from 'vitest'
import { RunGate } from './run-gate.ts'

const turns = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

it('lets shared work in at once, and in the same turn', () => {
  const gate = new RunGate()
  const log: string[] = []
  void gate.shared(async () => log.push('a'))
  void gate.shared(async () => log.push('b'))
  expect(log).toEqual(['a', 'b'])
})

it('keeps exclusive work alone, in the order of arrival', async () => {
  const gate = new RunGate()
  const log: string[] = []
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  void gate.shared(() => first.promise)
  void gate.exclusive(async () => {
    log.push('alone')
    await second.promise
    log.push('done')
  })
  void gate.shared(async () => log.push('after'))
  await turns()
  expect(log).toEqual([])
  first.resolve()
  await turns()
  expect(log).toEqual(['alone'])
  second.resolve()
  await turns()
  expect(log).toEqual(['alone', 'done', 'after'])
  expect(gate.idle).toBe(true)
})

it('opens again after work that failed', async () => {
  const gate = new RunGate()
  await expect(gate.shared(() => Promise.reject(new Error('one')))).rejects.toThrow('one')
  await expect(gate.exclusive(() => Promise.reject(new Error('two')))).rejects.toThrow('two')
  await expect(gate.shared(async () => 3)).resolves.toBe(3)
  await gate.whenIdle()
  expect(gate.idle).toBe(true)
})
