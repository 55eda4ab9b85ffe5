/** `node failed-tests.mjs REPORT`: each failed test of vitest's JSON report, with the first lines of its error. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const shortly = (text) => text.split('\n').slice(0, 8).join('\n      ').slice(0, 1_000);

for (const { name, status, message, assertionResults } of testResults) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  for (const { fullName, duration = 0, failureMessages } of failed)
    console.log(`  ${file} > ${fullName} (${Math.round(duration)} ms)\n      ${shortly(failureMessages.join('\n'))}`);
  if (status === 'failed' && failed.length === 0) console.log(`  ${file}\n      ${shortly(message)}`);
}
