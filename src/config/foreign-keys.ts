/** What is said of keys that are not part of the format. */

export interface OtherKeys {
  /** How people call the thing whose keys these are. */
  thing: string;
  /** Planned keys: what holds until they are built. */
  notBuilt?: Readonly<Record<string, string>>;
  /** Keys of other tools (MCP hosts, docker-agent, fast-agent, Claude, agent SDKs): our own way to say it. */
  foreign?: Readonly<Record<string, string>>;
}

export const instead = (ours: string, ...theirs: string[]): Record<string, string> =>
  Object.fromEntries(theirs.map((key) => [key, ours]));
