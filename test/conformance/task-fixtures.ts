/** The agents that the referee's task and multi-round-trip scenarios call: they ask their caller, wait, and fail. */
import type { JsonObject } from '../../src/json.ts';
import type { InputRequest, InputResponse } from '../../src/task/question.ts';
import { text } from '../../src/task/content.ts';
import type { Fixture } from './fixture.ts';
import type { FakeWork } from '../mcp-server/fake-engine.ts';

const form = (message: string, name: string, type: 'string' | 'boolean'): InputRequest => ({
  kind: 'form',
  message,
  schema: { type: 'object', properties: { [name]: { type } }, required: [name] },
});

const think = (prompt: string, maxTokens: number): InputRequest => ({
  kind: 'sampling',
  params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens },
});

const said = (response: InputResponse): string =>
  response.action === 'accept' ? JSON.stringify(response.content) : response.action;

const wordIn = (input: JsonObject, name: string): string => {
  const value = input[name];
  return typeof value === 'string' ? value : '';
};

/** Asks everything at once; the names are the keys. */
const asks = (questions: Record<string, InputRequest>): Fixture => ({
  asksFirst: true,
  async work({ context }) {
    const named = Object.entries(questions);
    const answers = await Promise.all(named.map(([name, request]) => context.requestInput(name, request)));
    return answers.map((answer, index) => `${named[index]?.[0]}: ${said(answer)}`).join('\n');
  },
});

const oneName = { user_name: form('What is your name?', 'name', 'string') };
const oneThought = { capital_question: think('What is the capital of France?', 100) };
const confirmation = { confirm: form('Please confirm', 'ok', 'boolean') };

const waitSchema: JsonObject = {
  type: 'object',
  properties: { seconds: { type: 'number' }, label: { type: 'string' } },
};

export const roundFixtures: Record<string, Fixture> = {
  test_input_required_result_elicitation: asks(oneName),
  test_input_required_result_sampling: asks(oneThought),
  test_input_required_result_list_roots: asks({ client_roots: { kind: 'roots' } }),
  test_input_required_result_request_state: asks(confirmation),
  test_input_required_result_tampered_state: asks(confirmation),
  test_input_required_result_capabilities: asks({ ...oneName, ...oneThought }),
  test_input_required_result_multiple_inputs: asks({
    ...oneName,
    greeting: think('Generate a greeting', 50),
    client_roots: { kind: 'roots' },
  }),
  test_input_required_result_multi_round: {
    async work({ context }) {
      const name = await context.requestInput('step1', form('Step 1: What is your name?', 'name', 'string'));
      const color = await context.requestInput(
        'step2',
        form('Step 2: What is your favorite color?', 'color', 'string'),
      );
      return `${said(name)} ${said(color)}`;
    },
  },
};

export const taskFixtures: Record<string, Fixture> = {
  greet: {
    taskSupport: 'forbidden',
    schema: { type: 'object', properties: { name: { type: 'string' } } },
    work: async ({ task }) => `Hello, ${wordIn(task.input, 'name')}!`,
  },
  slow_compute: { schema: waitSchema, work: slowCompute },
  failing_job: {
    taskSupport: 'required',
    work: async () => ({ content: [text('This job always fails.')], isError: true }),
  },
  protocol_error_job: {
    work: async () => {
      throw new Error('a fault of the server');
    },
  },
  confirm_delete: {
    schema: { type: 'object', properties: { filename: { type: 'string' } } },
    async work({ task, context }) {
      const name = wordIn(task.input, 'filename');
      const answer = await context.requestInput('confirm', form(`Delete ${name}?`, 'confirm', 'boolean'));
      return answer.action === 'accept' && answer.content['confirm'] === true
        ? `${name} is deleted`
        : `${name} is kept`;
    },
  },
  multi_input: {
    work: asks({ first: form('Who are you?', 'name', 'string'), second: form('Sure?', 'confirm', 'boolean') }).work,
  },
  test_tool_with_task: { ...asks(oneName), taskSupport: 'required' },
};

/** The waiting is one recorded step. */
async function slowCompute({ task, context }: FakeWork): Promise<string> {
  const seconds = Number(task.input['seconds'] ?? 0);
  await context.step('wait', async (signal) => {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(new Error('stopped'));
      });
    });
    return null;
  });
  return `computed ${wordIn(task.input, 'label')} in ${seconds} s`;
}
