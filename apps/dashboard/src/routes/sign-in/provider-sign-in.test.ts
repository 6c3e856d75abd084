import { expect, it } from 'vitest'
import { failureSentence } from './provider-sign-in.ts'

it.each([
  [null, /^$/],
  ['denied', /declined at the lab\.$/],
  ['unreachable', /^the lab cannot be reached now/],
  ['stale', /Start again\.$/],
  ['no_role', /none of your groups may use this server/],
  ['failed', /was not valid/],
  ['constructor', /was not valid/],
])('says of %j what went wrong', (failed, sentence) => {
  expect(failureSentence(failed, 'the lab')).toMatch(sentence)
})
