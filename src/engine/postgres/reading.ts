import type { Question } from '../../task/question.ts';
import type { Task } from '../../task/task.ts';
import {
  artifactFrom,
  intentFrom,
  questionFrom,
  type Row,
  sentFrom,
  stepFrom,
  taskFrom as taskFromRow,
} from '../rows.ts';
import type { Store } from '../store.ts';
import type { Database, Value } from './open.ts';
import { textIn, textOut } from './text.ts';

type Reading =
  | 'task'
  | 'tasks'
  | 'lastOf'
  | 'started'
  | 'called'
  | 'load'
  | 'steps'
  | 'questions'
  | 'sent'
  | 'artifact'
  | 'artifacts'
  | 'definition';

/** With the open questions of each: of one moment, as one statement sees it. */
const selectTasks = `select task.*, (select json_agg(question order by question.row) from question
    where question.task = task.id and answer is null and waiting_since is not null) as open from task`;

export function reading({ query, transact }: Database): Pick<Store, Reading> {
  const all = async (text: string, ...values: Value[]): Promise<Row[]> => (await query(text, ...values)).rows;
  const one = async (text: string, ...values: Value[]): Promise<Task | undefined> => {
    const [row] = await all(text, ...values);
    return row === undefined ? undefined : taskFrom(row);
  };

  return {
    task: (id) => one(`${selectTasks} where id = $1`, id),
    async tasks({ owner, agent, status, conversation, after, limit = 100 }) {
      const given: [string, string | undefined][] = [
        ['owner =', textIn(owner)],
        ['agent =', agent],
        ['status =', status],
        ['conversation =', conversation && textIn(conversation)],
      ];
      const values: Value[] = [];
      const conditions = given.flatMap(([column, value]) =>
        value === undefined ? [] : [`${column} $${values.push(value)}`],
      );
      if (after !== undefined) conditions.push(`task.row < (select row from task where id = $${values.push(after)})`);
      conditions.push(`coalesce(forget_at > $${values.push(Date.now())}, true)`);
      const rows = await all(
        `${selectTasks} where ${conditions.join(' and ')} order by task.row desc limit $${values.push(limit)}`,
        ...values,
      );
      return rows.map(taskFrom);
    },
    lastOf: (owner, conversation) =>
      one(
        `${selectTasks} where owner = $1 and conversation = $2 order by task.row desc limit 1`,
        textIn(owner),
        textIn(conversation),
      ),
    started: (owner, agent, startKey) =>
      one(`${selectTasks} where owner = $1 and agent = $2 and start_key = $3`, textIn(owner), agent, textIn(startKey)),
    async called() {
      const rows = await all(
        `select id, owner, heard_at from task where mandate is not null and status in ('working', 'input_required')`,
      );
      return rows.map((row) => ({
        id: String(row['id']),
        owner: textOut(String(row['owner'])),
        ...(row['heard_at'] !== null && { heardAt: Number(row['heard_at']) }),
      }));
    },
    load: (id) =>
      transact(async (ask) => {
        // All of one moment.
        await ask('set transaction isolation level repeatable read, read only');
        const [row] = (await ask(`${selectTasks} where id = $1`, id)).rows;
        if (row === undefined) return undefined;
        const of = async (table: string, order = 'row'): Promise<Row[]> =>
          (await ask(`select * from ${table} where task = $1 order by ${order}`, id)).rows;
        return {
          task: taskFrom(row),
          fence: Number(row['fence']),
          deaths: Number(row['deaths']),
          steps: (await of('step')).map(stepFrom),
          intents: new Map((await of('intent')).map((intent) => [String(intent['key']), intentFrom(intent)])),
          questions: (await of('question')).map(questionFrom),
          sent: (await of('sent', 'seq')).map(sentFrom),
        };
      }),
    steps: async (id) => (await all('select key, value, at from step where task = $1 order by row', id)).map(stepFrom),
    questions: async (id) => (await all('select * from question where task = $1 order by row', id)).map(questionFrom),
    sent: async (id) => (await all('select * from sent where task = $1 order by seq', id)).map(sentFrom),
    async artifact(id, artifact, { offset, length }) {
      const [row] = await all('select text, total from artifact where task = $1 and id = $2', id, artifact);
      if (row === undefined) return undefined;
      const text = JSON.parse(String(row['text'])) as string;
      return { text: text.slice(offset, offset + length), total: Number(row['total']) };
    },
    artifacts: async (id) =>
      (await all('select id, name, total, at from artifact where task = $1 order by row', id)).map(artifactFrom),
    async definition(hash) {
      const [row] = await all('select text from definition where hash = $1', hash);
      return row === undefined ? undefined : String(row['text']);
    },
  };
}

function taskFrom(row: Row): Task {
  const open: Question[] = ((row['open'] ?? []) as unknown as Row[]).map(questionFrom);
  const [owner, conversation] = [textOut(String(row['owner'])), textOut(String(row['conversation']))];
  return taskFromRow({ ...row, owner, conversation }, open);
}
