/** Works on a task to its end, as a person would who is asked something: decides, and goes on. */
import { deputy, type Place, type Ran, say } from './deputy.ts';

export interface Waiting {
  id: string;
  tool: string;
  chain: string[];
  args: unknown;
}

/** Runs `agent`; whenever it waits, `decide` answers, and it goes on. */
export async function runAttended(
  place: Place,
  [agent, message]: [string, string],
  decide: (task: string) => Promise<void>,
): Promise<Ran> {
  let ran = await deputy(place, 'run', agent, message, '--json');
  while (ran.code === inputNeeded) {
    const { task: id } = JSON.parse(ran.out) as { task: string };
    await decide(id);
    ran = await deputy(place, 'run', '--resume', id, '--json');
  }
  return ran;
}

/** The exit code of a task that waits for a person who is not there. */
const inputNeeded = 4;

export async function approvals(place: Place): Promise<Waiting[]> {
  const { out } = await deputy(place, '-q', 'approvals', 'list', '--json');
  return (JSON.parse(out) as { approvals: Waiting[] }).approvals;
}

export async function approve(place: Place, { id, tool, chain }: Waiting, ...more: string[]): Promise<void> {
  say(`approve: ${chain.join(' → ')} calls ${tool}`);
  const { code } = await deputy(place, '-q', 'approvals', 'approve', id, ...more);
  if (code !== 0) throw new Error(`the approval ${id} was not taken`);
}
