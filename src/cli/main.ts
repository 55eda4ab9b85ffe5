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
// Node 22 calls its SQLite experimental at every start; on 24 it is not. It is tested on both.
const emitWarning = process.emitWarning.bind(process);
process.emitWarning = (warning: string | Error, ...about: never[]): void => {
  if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...about);
};

// Only what is imported from here on is kept.
module.enableCompileCache();
await import('./command-line.ts');
