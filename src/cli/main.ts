#!/usr/bin/env node
/** The program `deputy`. An old Node is told so in words; compiled code is kept from one start to the next. */
import module from 'node:module';
import { isNewEnough, oldestNode } from './node-version.ts';

if (!isNewEnough(process.versions.node)) {
  process.stderr.write(
    `deputy needs Node ${oldestNode} or newer; this is ${process.versions.node}. See https://nodejs.org/en/download\n`,
  );
  process.exit(2);
}
// Only what is imported from here on is kept.
module.enableCompileCache();
await import('./command-line.ts');
