/**
 * Wiring: the network of now, and those of before that tasks are still pinned to.
 *
 * Invariants:
 *   A task works on the definitions that it began with, over restarts and changes of the files (`Task.definition`).
 *   A network of before is opened when a task needs it and closed when none at work here does: servers and all.
 */
import type { Config } from './config/config.ts';
import { type Network, type NetworkParts, openNetwork } from './network.ts';

export interface Networks {
  readonly now: Network;
  /** @throws UsageError the definition cannot be used (any more): an environment variable that it needs is gone. */
  of(definition: string | undefined): Promise<Network>;
  /** New tasks are of `config` from here on. @returns whether it is another one. */
  replace(config: Config): Promise<boolean>;
  /** Closes the networks of before that are not `inUse`. */
  sweep(inUse: ReadonlySet<string | undefined>): Promise<void>;
  close(): Promise<void>;
}

export interface NetworksOptions extends NetworkParts {
  /** The text of an earlier definition. */
  definition: (hash: string) => Promise<string | undefined>;
  /** A configuration from the text of its definition. @throws UsageError */
  load: (text: string) => Promise<Config>;
}

export function openNetworks(first: Config, { definition, load, ...parts }: NetworksOptions): Networks {
  let now = openNetwork(first, parts);
  const before = new Map<string, Promise<Network>>();

  const open = async (hash: string): Promise<Network> => {
    const text = await definition(hash);
    // A task of a version of Deputy that pinned nothing, or whose definition was lost: the agents of now.
    return text === undefined ? now : openNetwork(await load(text), parts);
  };

  const closed = async (network: Promise<Network>): Promise<void> => {
    const opened = await network.catch(() => undefined);
    if (opened !== undefined && opened !== now) await opened.close();
  };

  return {
    get now() {
      return now;
    },
    async of(hash) {
      if (hash === undefined || hash === now.config.snapshot.hash) return now;
      const opening = before.get(hash) ?? open(hash);
      before.set(hash, opening);
      // What could not be loaded is tried again: the environment may be put right.
      opening.catch(() => before.delete(hash));
      return opening;
    },
    async replace(config) {
      const { hash } = config.snapshot;
      if (hash === now.config.snapshot.hash) return false;
      // One that was changed back may still be at work.
      const next = (await before.get(hash)?.catch(() => undefined)) ?? openNetwork(config, parts);
      before.delete(hash);
      before.set(now.config.snapshot.hash, Promise.resolve(now));
      now = next;
      return true;
    },
    async sweep(inUse) {
      for (const [hash, network] of before) {
        if (inUse.has(hash)) continue;
        before.delete(hash);
        await closed(network);
      }
    },
    async close() {
      await Promise.all([...before.values()].map(closed));
      await now.close();
    },
  };
}
