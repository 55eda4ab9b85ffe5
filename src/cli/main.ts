#!/usr/bin/env node
/** The program `deputy`. Compiled code is kept from one start to the next, so nothing may be imported before this line. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await import('./command-line.ts');
