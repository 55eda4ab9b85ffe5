/** `npm run bench -- NAME [options]`: each bench is a folder with one function; without a name they are listed. */
const benches: Record<string, { what: string; load: () => Promise<(args: string[]) => Promise<void>> }> = {
  approval: {
    what: 'approvals with all they are bound to swapped, by every channel, over crashes: nothing leaves without one',
    load: async () => (await import('./approval/approval.ts')).approval,
  },
  budget: {
    what: 'a budget of tokens over three Deputies, measured where the model is: how far it is overstepped, what is told',
    load: async () => (await import('./budget/budget.ts')).budget,
  },
  cancel: {
    what: 'tasks over five Deputies of both eras cancelled at random moments: who is told when, what leaves afterwards',
    load: async () => (await import('./cancel/cancel.ts')).cancel,
  },
  climb: {
    what: 'eight approvals a task from leaves three levels down, answered at the top: nothing misrouted or asked twice',
    load: async () => (await import('./climb/climb.ts')).climb,
  },
  evil: {
    what: 'models that obey every injected order, servers that do their worst: no call outside the rules, no stall',
    load: async () => (await import('./evil/evil.ts')).evil,
  },
  fair: {
    what: 'one owner with 10,000 queued tasks, and a newcomer: who waits for how much, at every queue',
    load: async () => (await import('./fair/fair.ts')).fair,
  },
  hold: {
    what: '100,000 tasks that wait for people beside 1,000 that work: memory, latency, and what a kill -9 costs',
    load: async () => (await import('./hold/hold.ts')).hold,
  },
  kill: {
    what: 'random kill -9 of the whole server: nothing lost, nothing unsafe doubled, every unknown call asked about',
    load: async () => (await import('./kill/kill.ts')).kill,
  },
  long: {
    what: 'CPU a turn of tasks of 10, 100 and 1,000 turns: a long task costs no more a turn than a short one',
    load: async () => (await import('./long/long.ts')).long,
  },
  loop: {
    what: 'agents that call each other for ever over three Deputies, with _meta stripped too: each stops at its bound',
    load: async () => (await import('./loop/loop.ts')).loop,
  },
  overhead: {
    what: 'CPU, memory and runs a second of an agent over Deputy, against two floors (and, with --peers, its peers)',
    load: async () => (await import('./overhead/overhead.ts')).overhead,
  },
  powercut: {
    what: 'power cuts: the store opened after each, with what was not synced lost, torn and out of order',
    load: async () => (await import('./power-cut/power-cut.ts')).powerCut,
  },
};

const [name, ...args] = process.argv.slice(2);
const bench = name === undefined || !Object.hasOwn(benches, name) ? undefined : benches[name];

if (bench === undefined) {
  const known = Object.entries(benches).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`);
  const list = `npm run bench -- NAME [--help]\n\n${known.join('\n')}\n`;
  if (name === undefined || name === '--help') process.stdout.write(list);
  else {
    process.stderr.write(`There is no bench "${name}".\n\n${list}`);
    process.exitCode = 2;
  }
} else {
  // What it has started ends with it.
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  try {
    await (
      await bench.load()
    )(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
