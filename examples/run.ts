/**
 * `npm run example -- NAME`: one of the larger examples, from beginning to end, without a key or a network. It drives the
 * command line as a person would, and checks what came of it.
 */
import { parseArgs } from 'node:util';
import { approvalChain } from './approval-chain/run.ts';
import { codeMigration } from './code-migration/run.ts';
import { dataAnalysis } from './data-analysis/run.ts';

const examples: Record<string, () => Promise<void>> = {
  'approval-chain': approvalChain,
  'code-migration': codeMigration,
  'data-analysis': dataAnalysis,
};

const { positionals } = parseArgs({ allowPositionals: true });
const [name = ''] = positionals;
const example = Object.hasOwn(examples, name) ? examples[name] : undefined;
if (example === undefined) {
  process.stderr.write(`usage: npm run example -- ${Object.keys(examples).join(' | ')}\n`);
  process.exitCode = 2;
} else await example();
