import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { TokenStore } from '../../storage/token-store.ts'
import { Authenticator } from './authenticator.ts'

const openServer = { asksAnyway: false, now: () => 0 }

it('looks for a token once for all requests of one turn of the event loop, and closes from the first turn that finds one', async () => {
  const store = { looks: 0, hasToken: false }
  const tokens: Pick<TokenStore, 'any'> = {
    any: async () => {
      store.looks++
      return store.hasToken
    },
  }
  const authenticator = new Authenticator(tokens as TokenStore, openServer)
  const ask = () => Promise.all([authenticator.isOpen(), authenticator.isOpen(), authenticator.isOpen()])

  expect(await ask()).toEqual([true, true, true])
  expect(store.looks).toBe(1)

  store.hasToken = true
  await nextTurn()
  expect(await ask()).toEqual([false, false, false])
  expect(store.looks).toBe(2)
})

it('looks again after a turn in which the store failed', async () => {
  let isDown = true
  const tokens: Pick<TokenStore, 'any'> = {
    any: async () => {
      if (isDown) throw new Error('down')
      return false
    },
  }
  const authenticator = new Authenticator(tokens as TokenStore, openServer)

  expect(
    (await Promise.allSettled([authenticator.isOpen(), authenticator.isOpen()])).map(({ status }) => status),
  ).toEqual(['rejected', 'rejected'])
  isDown = false
  await nextTurn()
  expect(await authenticator.isOpen()).toBe(true)
})
