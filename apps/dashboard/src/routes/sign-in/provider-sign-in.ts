/** Why the provider's sign-in did not succeed, as the server says it in the address. */
const FAILURES: Readonly<Record<string, (provider: string) => string>> = {
  denied: (provider) => `The sign-in was declined at ${provider}.`,
  unreachable: (provider) => `${provider} cannot be reached now. Try again in a moment, or use a token.`,
  stale: () => 'This sign-in took too long, or was started in another browser. Start again.',
  no_role: (provider) =>
    `You are signed in at ${provider}, but none of your groups may use this server. Ask its operator for a role.`,
  failed: (provider) => `The answer of ${provider} was not valid. The server’s log says why.`,
}

/** The sentence for what the address says went wrong; empty where it says nothing. */
export function failureSentence(failed: string | null, provider: string): string {
  if (failed === null) return ''
  const known = Object.hasOwn(FAILURES, failed) ? FAILURES[failed] : FAILURES['failed']
  return known?.(provider) ?? ''
}
