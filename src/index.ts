/** Deputy as a library: read a configuration, open its runtime, start tasks and watch them, or serve them. */
export { loadConfig } from './config/load-config.ts';
export { formatProblems } from './config/format-problems.ts';
export type { Config } from './config/config.ts';
export { createLog, silentLog, type Log } from './log.ts';
export { openRuntime, type Runtime, version } from './runtime.ts';
export type { StartTask, TaskEngine, TaskFilter, WatchOptions } from './task/engine.ts';
export type { ProgressEvent, TaskEvent } from './task/event.ts';
export type { StopReason, Task, TaskResult, TaskStatus } from './task/task.ts';
