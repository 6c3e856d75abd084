/**
 * `node bench/import/mutations.ts [ROUNDS] [LOG…]`: reads 10,000 mutations of each recorded and each synthetic log, and the
 * same number of random logs built from typical pieces. Stops at a log that is neither read nor refused. Prints the longest
 * time for one log and the peak memory so far. The importers' tests do the same with fewer mutations.
 */
import { readGrammarMade, readMutations, wholeLogs } from '../../packages/importers/test/mutations.ts'

const [rounds = '10000', ...names] = process.argv.slice(2)
const BYTES = 8_000

function say(what: string, longest: number): void {
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(
    `${what}: ${rounds} read or refused, the longest in ${Math.round(longest)} ms; ${megabytes} MiB`,
  )
}

for (const log of wholeLogs)
  if (names.length === 0 || names.includes(log.name))
    say(log.name, await readMutations(log, Number(rounds), BYTES))
if (names.length === 0) say('made by chance', await readGrammarMade(Number(rounds)))
