/**
 * `node bench/import/mutations.ts [ROUNDS] [LOG…]`: reads 10,000 mutations of each recorded log. Ends at one that is neither read nor
 * refused; says the longest time that one took, and the memory at the end. The tests of the importers do the same 25 times.
 */
import { countedNames, recordedNames } from '../../packages/importers/test/recorded-logs.ts'
import { readMutations } from '../../packages/importers/test/mutations.ts'

const [rounds = '10000', ...names] = process.argv.slice(2)
const BYTES = 8_000

for (const name of names.length > 0 ? names : [...recordedNames, ...countedNames]) {
  const longest = await readMutations(name, Number(rounds), BYTES)
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(
    `${name}: ${rounds} read or refused, the longest in ${Math.round(longest)} ms; ${megabytes} MiB`,
  )
}
