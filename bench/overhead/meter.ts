/** Loaded into every measured process with `--import`, so that all are measured in the same way, from inside. */
import { answerParent } from './control.ts';

export interface Reading {
  /** Microseconds of CPU, user and system, all threads, since the process began. */
  cpu: number;
  /** Bytes that are resident now. */
  memory: number;
  /** Bytes: the most that was resident since the process began. */
  peakMemory: number;
}

answerParent({
  reading: (): Reading => {
    const { user, system } = process.cpuUsage();
    return { cpu: user + system, memory: process.memoryUsage.rss(), peakMemory: process.resourceUsage().maxRSS * 1024 };
  },
});
/** A process that lost the bench has nothing left to do; the channel alone keeps none alive. */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
