import { expect, it } from 'vitest'
import { withoutBasePath } from './base-path.ts'

it.each([
  ['/normwatch/api/v1/runs?limit=1', '/normwatch', '/api/v1/runs?limit=1'],
  ['/normwatch', '/normwatch', '/'],
  ['/normwatch?x=1', '/normwatch', '/?x=1'],
  ['/normwatch/', '/normwatch', '/'],
  ['/normwatchful', '/normwatch', '/normwatchful'],
  ['/api/v1/runs', '/normwatch', '/api/v1/runs'],
  ['/api/v1/runs', '', '/api/v1/runs'],
])('serves %s below "%s" as %s', (url, basePath, path) => expect(withoutBasePath(url, basePath)).toBe(path))
