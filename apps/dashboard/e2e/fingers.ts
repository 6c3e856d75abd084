import type { Page } from 'playwright-core'

export interface Place {
  readonly x: number
  readonly y: number
}

/** Fingers go down at the first places, move through the others, and are lifted: real touch events of the browser. */
export async function swipe(page: Page, places: readonly (readonly Place[])[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  for (const [i, touchPoints] of places.entries()) {
    const points = touchPoints.map((point, id) => ({ ...point, id }))
    const type = i === 0 ? 'touchStart' : 'touchMove'
    await session.send('Input.dispatchTouchEvent', { type, touchPoints: points })
  }
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
}

/** The way from some places to others in five moves. */
export function between(from: readonly Place[], to: readonly Place[]): Place[][] {
  return [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) =>
    from.map(({ x, y }, i) => {
      const end = to[i] as Place
      return { x: x + share * (end.x - x), y: y + share * (end.y - y) }
    }),
  )
}
