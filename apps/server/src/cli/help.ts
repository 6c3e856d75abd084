/** The last lines of a verb's help: commands that work as they stand. */
export function example(...commands: readonly string[]): string {
  const title = commands.length === 1 ? 'Example:' : 'Examples:'
  return ['', title, ...commands.map((command) => `  ${command}`)].join('\n')
}
