/** Exit codes are a contract with scripts: a number never changes its meaning. */
import { DeputyError } from '../errors.ts';
import type { Task } from '../task/task.ts';

export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  inputNeeded: 4,
  notFound: 5,
  limit: 6,
  unavailable: 7,
  timeout: 124,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** What ended a task before its own end. */
export type Interruption = 'timeout' | 'SIGINT' | 'SIGTERM';

const interrupted: Record<Interruption, ExitCode> = {
  timeout: exitCode.timeout,
  SIGINT: exitCode.interrupted,
  SIGTERM: exitCode.terminated,
};

export function exitCodeOfTask(task: Task, interruption?: Interruption): ExitCode {
  if (task.status === 'cancelled') return interruption ? interrupted[interruption] : exitCode.failed;
  if (task.status === 'input_required') return exitCode.inputNeeded;
  if (task.status !== 'completed') return exitCode.failed;
  switch (task.result.stop) {
    case 'answer':
      return task.result.isError === true ? exitCode.failed : exitCode.ok;
    case 'limit':
      return exitCode.limit;
    case 'model_unavailable':
    case 'server_unavailable':
      return exitCode.unavailable;
    case 'denied':
    case 'stopped':
      return exitCode.denied;
    case 'refusal':
    case 'length':
    case 'bad_output':
    case 'step_failed':
      return exitCode.failed;
  }
}

export const exitCodeOfInterruption = (interruption: Interruption): ExitCode => interrupted[interruption];

export function exitCodeOfError(error: unknown): ExitCode {
  if (!(error instanceof DeputyError)) return exitCode.failed;
  switch (error.code) {
    case 'E_USAGE':
      return exitCode.usage;
    case 'E_NOT_FOUND':
      return exitCode.notFound;
    case 'E_UNAVAILABLE':
      return exitCode.unavailable;
    default:
      return exitCode.failed;
  }
}
