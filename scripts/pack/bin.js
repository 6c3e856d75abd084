#!/usr/bin/env node
// The command of the installed package. Plain JavaScript with old syntax, so that an old Node can run the version check.
var version = process.versions.node.split('.').map(Number)
var isRight =
  version[0] > 24 || (version[0] === 24 && version[1] >= 15) || (version[0] === 22 && version[1] >= 23)
if (!isRight) {
  console.error('Normwatch needs Node 24.15 or later, or 22.23; this is ' + process.versions.node + '.')
  process.exit(1)
}

import('./start.js').then(({ start }) => start(process.argv.slice(2)))
