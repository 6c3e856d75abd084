/** What a key does: `['/', 'search']`. */
export type KeyMeaning = readonly [key: string, meaning: string]

/** The keys of the page that is open, for the list that `?` shows. */
export const pageKeys = new (class {
  current = $state.raw<readonly KeyMeaning[]>([])
})()

/** Names the keys of a page while it is open. Called while its component is made. */
export function usePageKeys(keys: readonly KeyMeaning[]): void {
  $effect(() => {
    pageKeys.current = keys
    return () => (pageKeys.current = [])
  })
}
