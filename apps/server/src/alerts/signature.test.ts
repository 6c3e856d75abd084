import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { liveSecrets, newSecret, signedHeaders } from './signature.ts'

/** The message of the specification's own examples and of the reference libraries' tests. */
const vector = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  body: '{"test": 2432232314}',
  now: 1_614_265_330_000,
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}
const now = Date.now()

describe('signedHeaders', () => {
  it('gives the signature of the reference libraries, byte for byte', () => {
    expect(signedHeaders(vector.id, vector.body, [vector.secret], vector.now)).toEqual({
      'webhook-id': vector.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': vector.signature,
    })
  })
  it('is accepted by the reference library with either of two live secrets', () => {
    const [fresh, old] = [newSecret(), newSecret()]
    const headers = signedHeaders('msg_1', '{"a":"é"}', [fresh, old], now)
    expect(headers['webhook-signature'].split(' ')).toHaveLength(2)
    for (const secret of [fresh, old])
      expect(new Webhook(secret).verify('{"a":"é"}', headers)).toEqual({ a: 'é' })
    expect(() => new Webhook(newSecret()).verify('{"a":"é"}', headers)).toThrow()
    expect(() => new Webhook(fresh).verify('{"a":"e"}', headers)).toThrow()
  })
  it('uses the decoded bytes of the secret as the key', () => {
    const secret = newSecret()
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const expected = createHmac('sha256', key)
      .update(`msg_1.${Math.floor(now / 1000)}.x`)
      .digest('base64')
    expect(signedHeaders('msg_1', 'x', [secret], now)['webhook-signature']).toBe(`v1,${expected}`)
  })
})

describe('secrets', () => {
  it('are 32 random bytes behind whsec_', () => {
    const secrets = Array.from({ length: 50 }, newSecret)
    expect(new Set(secrets).size).toBe(50)
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    }
  })
  it('sign until the old one has run out', () => {
    const holder = { secret: 'whsec_new', old_secret: 'whsec_old', old_secret_until: 1_000 }
    expect(liveSecrets(holder, 999)).toEqual(['whsec_new', 'whsec_old'])
    expect(liveSecrets(holder, 1_000)).toEqual(['whsec_new'])
    expect(liveSecrets({ secret: null, old_secret: null, old_secret_until: null }, 0)).toEqual([])
  })
})
