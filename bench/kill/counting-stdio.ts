import { createInterface } from 'node:readline';
import { answerTo, type Rpc } from './counting.ts';

const effects = process.env['BENCH_EFFECTS'] ?? '';
createInterface({ input: process.stdin }).on('line', (line) => {
  void answerTo(JSON.parse(line) as Rpc, effects).then((answer) => {
    if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
});
