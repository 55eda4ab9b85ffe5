/**
 * Calls another agent of the network, in the caller's branch: its questions are the task's own. Its calls are policed
 * one by one, so it is a `read` itself. Only where a rule or a hook has something to say is there a step before it.
 */
import { ApprovalUsedError } from '../errors.ts';
import { sha256 } from '../hash.ts';
import type { JsonObject } from '../json.ts';
import type { TaskContext } from '../task/engine.ts';
import { callStep } from './call-steps.ts';
import { type Allowance, refusalOf, withinDeadline } from './limits.ts';
import { verdictOf } from './policy.ts';
import {
  type Callable,
  type Calling,
  cutOff,
  failed,
  givenArgs,
  prepareCall,
  type Right,
  useOf,
  waitsFor,
} from './prepare-call.ts';
import { fitted, wholeOf } from './result-size.ts';
import { hooksAt } from './run-hooks.ts';
import { settleCall } from './settle-call.ts';
import type { AgentTool, ToolOutcome } from './tool.ts';

export async function callAgent(calling: Calling, agent: AgentTool): Promise<ToolOutcome> {
  const { run, branch, lent } = calling;
  if (lent === undefined) throw new Error(`nothing was left to ${agent.name}`);
  const refusal = refusalOf(lent, run.budget);
  if (refusal !== undefined) return branch.step(callStep, () => Promise.resolve(failed(refusal)));
  const tool: Callable = {
    ...agent,
    effect: 'read',
    get pin() {
      return sha256(JSON.stringify([agent.name, agent.description, agent.inputSchema]));
    },
  };
  const { outcome: admission, note } = isFree(calling, tool)
    ? { outcome: freely(calling, tool) }
    : await settleCall<Admission>(calling, {
        name: 'admission',
        make: (step, right) => admitted(calling, tool, step, right),
        effect: () => Promise.resolve(tool.effect),
      });
  const outcome = await ran(agent, admission, branch, lent);
  const isHooked = 'admits' in admission && hooksAt(run.agent.hooks, 'after_tool', tool.id).length > 0;
  return branch.step(callStep, async () => {
    if (note !== undefined) branch.note(note);
    const isPlanned = run.agent.model.isPlan === true;
    const bounded = isPlanned ? wholeOf(outcome) : await fitted(outcome, (words) => branch.keep(callStep, words));
    if (!isHooked) return bounded;
    return { ...bounded, made: { tool: tool.id, bytes: JSON.stringify(admission.admits) } };
  });
}

/** `admits`: the arguments with which the agent is to be run. Without it, the outcome is the call's. */
type Admission = ToolOutcome & { admits?: JsonObject };

async function ran(
  agent: AgentTool,
  { admits, content, ...rest }: Admission,
  branch: TaskContext,
  lent: Allowance,
): Promise<ToolOutcome> {
  if (admits === undefined) return { ...rest, content };
  const outcome = await agent.run(admits, branch, lent);
  return content.length === 0 ? outcome : { ...outcome, content: [...outcome.content, ...content] };
}

/** Rules are predicates of what is recorded: a replay finds the same. */
function isFree(calling: Calling, tool: Callable): boolean {
  const { agent, budget } = calling.run;
  if (hooksAt(agent.hooks, 'before_tool', tool.id).length > 0) return false;
  const given = givenArgs(calling, tool, { kind: 'rules' });
  if ('fault' in given) return true;
  return verdictOf(useOf(calling, tool, given.args), agent.policy, budget.callers).decision === 'allow';
}

function freely(calling: Calling, tool: Callable): Admission {
  const given = givenArgs(calling, tool, { kind: 'rules' });
  return 'fault' in given ? failed(given.fault) : { content: [], isError: false, admits: given.args };
}

function admitted(calling: Calling, tool: Callable, step: string, right: Right): Promise<Admission> {
  const { run, branch } = calling;
  return branch.step(step, (signal, commit) =>
    withinDeadline(run.budget.deadline, branch, signal, async (cut): Promise<Admission> => {
      try {
        cut.throwIfAborted();
        const prepared = await prepareCall(calling, tool, step, right, cut);
        if (prepared.kind === 'no') return prepared.outcome;
        if (prepared.kind === 'ask') return waitsFor(prepared.ask);
        const { args, grant } = prepared;
        // The approval is for one call: it is used up by an intent here as well.
        if (grant.approval !== undefined) await commit(JSON.stringify(args), tool.effect, grant);
        return { content: [], isError: false, admits: args };
      } catch (error) {
        if (signal.aborted) throw error;
        if (cut.aborted) return failed(cutOff);
        if (error instanceof ApprovalUsedError && right.kind === 'approved')
          return waitsFor({ ...right.ask, again: error.message });
        throw error;
      }
    }),
  );
}
