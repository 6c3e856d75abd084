/** Whether a JSON value has more than so many levels of objects and lists. It looks no deeper, so the stack is safe. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isNestedDeeper(member, levels - 1))
}
