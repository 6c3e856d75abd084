/** What a person reads after the start: the address, how to send a first point, and a token that was made just now. */
export function welcome(
  address: string,
  data: string,
  { isOpen, firstToken }: { readonly isOpen: boolean; readonly firstToken: string | undefined },
): string {
  const api = `${address}/api/v1/runs/first`
  const token = isOpen ? '' : ` -H "authorization: Bearer $NORMWATCH_TOKEN"`
  const json = `-H 'content-type: application/json'${token}`
  return `
  Normwatch listens on ${address}
  Data: ${data}${firstToken === undefined ? '' : firstTokenWords(firstToken)}

  Send a first point:
    curl -X PUT ${api} ${json} \\
      -d '{"clip": {"mode": "norm", "max_norm": 1.0}}'
    curl ${api}/points ${json} \\
      -d '{"points": [{"step": 0, "grad_norm": 1.7, "loss": 2.3}]}'

  Ctrl-C stops it.
`
}

function firstTokenWords(secret: string): string {
  return `

  The first token, with the scope admin. It is shown this once: sign in with it, make others, revoke it.
    ${secret}`
}
