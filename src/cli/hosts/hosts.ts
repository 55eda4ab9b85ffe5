/** The MCP hosts that `install` knows: where each keeps its servers, and in which words. */
import { join } from 'node:path';
import type { JsonObject } from '../../json.ts';
import type { TomlValue } from './toml.ts';

export interface Launch {
  command: string;
  args: string[];
  /** Names of environment variables that the models' keys come from. */
  keys: string[];
}

/** Where a host's settings live on this machine. */
export interface Place {
  home: string;
  platform: NodeJS.Platform;
  env: NodeJS.ProcessEnv;
}

export interface Host {
  name: string;
  title: string;
  /** Absolute path of the file that holds its MCP servers. Of several, the first that exists, else the first. */
  files(place: Place): [string, ...string[]];
  /** Path of the member or table that holds one server, without the server's name. */
  under: string[];
  format:
    | { kind: 'json'; entry(launch: Launch): JsonObject }
    | { kind: 'toml'; entry(launch: Launch): Record<string, TomlValue> };
  /** What a person must still do. */
  next: string;
}

const plain = ({ command, args }: Launch): JsonObject => ({ command, args });
const stdio = ({ command, args }: Launch): JsonObject => ({ type: 'stdio', command, args });

/** The folder of an application's settings, by the platform's custom. */
function settings({ home, platform, env }: Place, app: string): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', app);
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), app);
  return join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), app);
}

/** An agent works for minutes, where hosts expect a tool to answer within one. */
const patienceSeconds = 3600;

export const hosts: readonly Host[] = [
  {
    name: 'claude-code',
    title: 'Claude Code',
    files: ({ home, env }) => [join(env['CLAUDE_CONFIG_DIR'] ?? home, '.claude.json')],
    under: ['mcpServers'],
    format: { kind: 'json', entry: stdio },
    next: 'Start a new session of claude; /mcp shows the server. Headless: --allowedTools "mcp__NAME__*"',
  },
  {
    name: 'claude-desktop',
    title: 'Claude Desktop',
    files: (place) => [join(settings(place, 'Claude'), 'claude_desktop_config.json')],
    under: ['mcpServers'],
    format: { kind: 'json', entry: plain },
    next: 'Quit and start Claude Desktop.',
  },
  {
    name: 'vscode',
    title: 'VS Code',
    files: (place) => [join(settings(place, 'Code'), 'User', 'mcp.json')],
    under: ['servers'],
    format: { kind: 'json', entry: stdio },
    next: 'In VS Code run "MCP: List Servers" and start it.',
  },
  {
    name: 'cursor',
    title: 'Cursor',
    files: ({ home }) => [join(home, '.cursor', 'mcp.json')],
    under: ['mcpServers'],
    format: { kind: 'json', entry: plain },
    next: 'Enable the server in Cursor under Settings, MCP.',
  },
  {
    name: 'codex',
    title: 'Codex',
    files: ({ home, env }) => [join(env['CODEX_HOME'] ?? join(home, '.codex'), 'config.toml')],
    under: ['mcp_servers'],
    format: {
      kind: 'toml',
      entry: ({ command, args, keys }) => ({
        command,
        args,
        // Codex hands its servers a bare environment.
        ...(keys.length > 0 && { env_vars: keys }),
        startup_timeout_sec: 30,
        tool_timeout_sec: patienceSeconds,
      }),
    },
    next: 'Start a new session of codex; "codex mcp list" shows the server.',
  },
  {
    name: 'gemini',
    title: 'Gemini CLI',
    files: ({ home }) => [join(home, '.gemini', 'settings.json')],
    under: ['mcpServers'],
    format: { kind: 'json', entry: ({ command, args }) => ({ command, args, timeout: patienceSeconds * 1000 }) },
    next: 'Start a new session of gemini; /mcp shows the server.',
  },
  {
    name: 'opencode',
    title: 'opencode',
    files: ({ home, env }) => {
      const folder = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'opencode');
      return [join(folder, 'opencode.json'), join(folder, 'opencode.jsonc')];
    },
    under: ['mcp'],
    format: {
      kind: 'json',
      entry: ({ command, args }) => ({ type: 'local', command: [command, ...args] }),
    },
    next: 'Start a new session of opencode; "opencode mcp list" shows the server.',
  },
  {
    name: 'copilot',
    title: 'GitHub Copilot CLI',
    files: ({ home, env }) => [join(env['COPILOT_HOME'] ?? join(home, '.copilot'), 'mcp-config.json')],
    under: ['mcpServers'],
    format: { kind: 'json', entry: ({ command, args }) => ({ type: 'local', command, args, tools: ['*'] }) },
    next: 'Start a new session of copilot; /mcp show lists the server.',
  },
];
