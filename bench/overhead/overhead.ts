/** What an agent costs over Deputy, beside a bare loop, the same loop on Deputy's libraries and, if asked, its peers. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import type { Contestant, Running } from './contestant.ts';
import { contestants, peers } from './contestants.ts';
import { measure, type Witnesses } from './measure.ts';
import { type Options, readOptions, usage } from './options.ts';
import { callsPerTurn, turns } from './script.ts';
import { type Measured, rowsOf, table } from './table.ts';

interface Entry {
  contestant: Contestant;
  running: Running;
  measured: Map<number, Measured>;
}

export async function overhead(args: string[]): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') {
    process.stdout.write(usage);
    return;
  }
  if (options.peers) installPeers();
  const say = (line: string): void => void process.stderr.write(`${line}\n`);

  const started: { stop(): Promise<void> }[] = [];
  try {
    const witnesses = {
      model: startChild('model server', new URL('./model-server.ts', import.meta.url)),
      echo: startChild('echo server', new URL('./echo-server.ts', import.meta.url)),
    };
    started.push(witnesses.model, witnesses.echo);
    const servers = {
      model: `${String(await witnesses.model.ready)}/v1`,
      echo: `${String(await witnesses.echo.ready)}/mcp`,
    };
    const entries: Entry[] = [];
    for (const contestant of [...contestants, ...(options.peers ? peers : [])]) {
      const running = await contestant.start(servers);
      started.unshift(running);
      entries.push({ contestant, running, measured: new Map() });
    }
    await compete(entries, options, witnesses, say);
    print(entries, options);
  } finally {
    for (const one of started) await one.stop();
  }
}

/** Stretches alternate, and every round begins with another contestant, so that a noisy minute hits all alike. */
async function compete(
  entries: readonly Entry[],
  { runs, atOnce, rounds }: Options,
  witnesses: Witnesses,
  say: (line: string) => void,
): Promise<void> {
  let first = 1;
  const stretch = async ({ contestant, running, measured }: Entry, at: number, count: number, keep: boolean) => {
    const sample = await measure(contestant.name, running, { first, count, atOnce: at }, witnesses);
    first += count;
    const so = measured.get(at) ?? { name: contestant.name, atOnce: at, samples: [], peakMemory: 0 };
    if (keep) measured.set(at, { ...so, samples: [...so.samples, sample] });
  };

  say('warming up');
  for (const entry of entries)
    for (const at of atOnce) await stretch(entry, at, at === 1 ? Math.ceil(runs / 2) : Math.max(runs, at), false);
  for (let round = 0; round < rounds; round += 1) {
    say(`round ${round + 1} of ${rounds}`);
    for (const at of atOnce)
      for (let turn = 0; turn < entries.length; turn += 1) {
        const entry = entries[(turn + round) % entries.length];
        if (entry !== undefined) await stretch(entry, at, at === 1 ? Math.ceil(runs / 4) : runs, true);
      }
  }
  for (const { running, measured } of entries) {
    const { peakMemory } = await running.process.reading();
    for (const one of measured.values()) one.peakMemory = peakMemory;
  }
}

function print(entries: readonly Entry[], { atOnce, runs, rounds, json }: Options): void {
  const rows = rowsOf(atOnce.flatMap((at) => entries.flatMap(({ measured }) => measured.get(at) ?? [])));
  const machine = { node: process.version, cores: availableParallelism(), cpu: cpus()[0]?.model ?? 'unknown' };
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...machine, turns, callsPerTurn, runs, rounds, rows }, null, 2)}\n`);
    return;
  }
  process.stdout.write(
    `${turns} turns of ${callsPerTurn} parallel calls and an answer a run; ${runs} runs a round, medians of ${rounds} rounds\n` +
      `node ${machine.node}, ${machine.cores} cores, ${machine.cpu}\n\n${table(rows)}\n`,
  );
}

const peersFolder = fileURLToPath(new URL('../peers', import.meta.url));

/** They are no dependencies of Deputy: a folder, a package.json and a lock of their own. */
function installPeers(): void {
  if (existsSync(join(peersFolder, 'node_modules', '.package-lock.json'))) return;
  process.stderr.write('installing the peers in bench/peers\n');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: peersFolder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
