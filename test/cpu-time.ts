/**
 * Milliseconds of CPU that this thread took for `work`. Claims of the kind "does not stall us" are made in these: a
 * clock on the wall also counts what others do on the machine.
 */
export async function cpuTimeOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  return cpuTimeSince(before);
}

export function cpuTimeSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
