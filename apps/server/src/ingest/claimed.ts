import type { ChoreStore } from '../storage/chore-store.ts'

/** How long other servers wait for one that has died in the middle of a chore. */
export const CLAIM_MS = 20_000

/**
 * Does a chore unless another server is doing it; says whether it was done. The claim is renewed meanwhile. A chore that
 * throws is left claimed: it counts as abandoned when the claim has run out.
 */
export async function claimed(
  chores: ChoreStore,
  chore: string,
  work: () => Promise<void>,
): Promise<boolean> {
  if (!(await chores.claim(chore, CLAIM_MS))) return false
  let renewal: Promise<unknown> = Promise.resolve()
  const renew = () => {
    renewal = chores.claim(chore, CLAIM_MS).catch(() => undefined)
  }
  const timer = chores.isShared ? setInterval(renew, CLAIM_MS / 4).unref() : undefined
  try {
    await work()
  } finally {
    clearInterval(timer)
    await renewal
  }
  await chores.release(chore)
  return true
}
