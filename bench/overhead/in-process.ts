/** The process of a contestant that is a library: `node in-process.ts MODULE_URL MODEL_URL ECHO_URL`. */
import type { Connect, Runs } from './contestant.ts';
import { answerParent, ready } from './control.ts';
import { question } from './script.ts';
import { sideBySide } from './side-by-side.ts';

const [module = '', model = '', echo = ''] = process.argv.slice(2);
const { connect } = (await import(module)) as { connect: Connect };
const answer = await connect({ model, echo });

answerParent({
  runs: ({ first, count, atOnce }: Runs): Promise<string[]> =>
    sideBySide(count, atOnce, (index) => answer(question(first + index))),
});
process.channel?.ref();
ready(undefined);
