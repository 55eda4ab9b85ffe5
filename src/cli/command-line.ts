/**
 * The command line: reads the arguments, hands over to the file of the command, turns the outcome into an exit code.
 * Every command is imported when it is asked for, so that `--help` and `validate` load nothing else.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { DeputyError, messageOf } from '../errors.ts';
import { cleanText, printableJson } from './clean-text.ts';
import { type ExitCode, exitCode, exitCodeOfError } from './exit.ts';
import { type Globals, logLevels } from './globals.ts';
import { addApprovalsCommands } from './approvals-command-line.ts';
import { readDollars, readMilliseconds } from './measures.ts';
import { addOperatorCommands } from './operator-command-line.ts';
import { addTasksCommands } from './tasks-command-line.ts';
import { endQuietlyWithoutReader, processTerminal as terminal, type Terminal } from './terminal.ts';

let code: ExitCode = exitCode.ok;

const program = new Command('deputy')
  .description('Agents declared in YAML, served over MCP.')
  .version(version(), '-V, --version')
  .option('-c, --config <file>', 'the configuration (default: $DEPUTY_CONFIG, else agents.yaml here or above)')
  .option('--env-file <file>', 'read environment variables from a file; those that are set already win')
  .option('-q, --quiet', 'no progress')
  .option('-v, --verbose', 'log more: --log-level debug')
  .addOption(new Option('--log-level <level>', 'what goes to stderr').choices(logLevels))
  .showSuggestionAfterError()
  .showHelpAfterError('(deputy --help says more)')
  .exitOverride();

const globals = (): Globals => program.opts<Globals>();

/** As `templates.ts` has them, which is not loaded for this. */
const templateNames = ['single', 'supervised', 'network'] as const;
type TemplateName = (typeof templateNames)[number];

program
  .command('init')
  .description('write a first agents.yaml that runs without a key')
  .argument('[dir]', 'where', '.')
  .addOption(new Option('--template <name>', 'what to begin with').choices(templateNames).default('single'))
  .action(async (dir: string, { template }: { template: TemplateName }) => {
    code = await (await import('./init.ts')).init(dir, template, terminal);
  });

program
  .command('validate')
  .description('check the configuration and show everything that is wrong with it')
  .argument('[file]', 'the configuration')
  .option('--json', 'print one object, with the places as ranges')
  .action(async (file: string | undefined, { json }: { json?: boolean }) => {
    const config = file === undefined ? {} : { config: file };
    code = await (await import('./validate.ts')).validate({ ...globals(), ...config }, json === true, terminal);
  });

program
  .command('schema')
  .description('print the JSON Schema of agents.yaml, for editors')
  .action(async () => {
    code = (await import('./schema.ts')).schema(terminal);
  });

program
  .command('run')
  .description('give an agent one task and print its answer')
  .argument('[agent]', 'its name')
  .argument('[message]', 'what it should do; - or a pipe reads it from standard input')
  .addOption(new Option('--json', 'print one object: answer, usage, cost, ids').conflicts('streamJson'))
  .option('--stream-json', 'print one event a line')
  .option('--max-cost <dollars>', 'stop when it has cost this much, such as 0.50', parsed(readDollars))
  .option('--timeout <time>', 'cancel after this long, such as 90s or 20m', parsed(readMilliseconds))
  .addOption(new Option('--approve <how>', 'what waits for a person: ask here, or deny').choices(['ask', 'deny']))
  .option('--resume <task>', 'go on with a task of the store, such as one that waited for an answer')
  .action(async (agent: string | undefined, message: string | undefined, options: RunFlags) => {
    const { json, streamJson, ...limits } = options;
    const format = json === true ? 'json' : streamJson === true ? 'stream-json' : 'text';
    code = await (await import('./run.ts')).run(agent, message, { format, ...limits }, globals(), terminal);
  });

program
  .command('chat')
  .description('talk to an agent')
  .argument('[agent]', 'its name (default: the first one that is exposed)')
  .action(async (agent: string | undefined) => {
    code = await (await import('./chat.ts')).chat(agent, globals(), terminal);
  });

program
  .command('serve')
  .description('serve the agents as one MCP server')
  .addOption(new Option('--stdio', 'over stdin and stdout (default without serve.http)').conflicts('http'))
  .option('--http <host:port>', 'over HTTP')
  .option('--watch', 'take up changes of the configuration: new tasks get the new agents')
  .action(async ({ stdio, http, watch }: { stdio?: boolean; http?: string; watch?: boolean }) => {
    const { addressOf, serve } = await import('./serve.ts');
    const door = {
      ...(stdio !== undefined && { stdio }),
      ...(http !== undefined && { http: addressOf(http) }),
      ...(watch !== undefined && { watch }),
    };
    code = await serve(door, globals(), terminal);
  });

const run = async (command: (globals: Globals, terminal: Terminal) => Promise<ExitCode>): Promise<void> => {
  code = await command(globals(), terminal);
};
addTasksCommands(program, run);
addApprovalsCommands(program, run);
addOperatorCommands(program, run);

const mcp = program.command('mcp').description('look at the MCP servers that the agents use');
mcp
  .command('list')
  .description('start every server and say how it is')
  .option('--json', 'print one object')
  .action(async ({ json }: { json?: boolean }) => {
    code = await (await import('./mcp.ts')).listServers(json === true, globals(), terminal);
  });
mcp
  .command('tools')
  .description('list the tools, as agents name them')
  .argument('[server]', 'of this server only')
  .option('--json', 'print one object, with the schemas')
  .action(async (server: string | undefined, { json }: { json?: boolean }) => {
    code = await (await import('./mcp.ts')).listTools(server, json === true, globals(), terminal);
  });
mcp
  .command('call')
  .description('call one tool, without a model')
  .argument('<server/tool>', 'its name, as "mcp tools" lists it')
  .argument('[arguments]', 'a JSON object; - reads it from standard input')
  .option('--json', 'print the whole result')
  .action(async (tool: string, args: string | undefined, { json }: { json?: boolean }) => {
    code = await (await import('./mcp.ts')).callTool(tool, args, json === true, globals(), terminal);
  });

mcp
  .command('pin')
  .description('what servers changed of their tools since they were pinned; with a name or --all: accept it')
  .argument('[tools...]', 'server/tool, or a server: accept what changed there')
  .option('--all', 'accept every change')
  .option('--json', 'print one object')
  .action(async (tools: string[], options: { all?: boolean; json?: boolean }) => {
    code = await (await import('./mcp-pin.ts')).pinTools(tools, options, globals(), terminal);
  });

program
  .command('doctor')
  .description('check this machine, the configuration, its models and servers, and say what to do')
  .option('--json', 'print one object')
  .action(async ({ json }: { json?: boolean }) => {
    code = await (await import('./doctor.ts')).doctor(json === true, globals(), terminal);
  });

program
  .command('install')
  .description(
    'add these agents to a host: claude-code, claude-desktop, vscode, cursor, codex, gemini, opencode, copilot',
  )
  .argument('<host>', 'its name')
  .option('--print', 'only show what would be written, and where')
  .option('--name <name>', 'what the host calls the server', 'deputy')
  .action(async (host: string, options: { print?: boolean; name: string }) => {
    code = await (await import('./install.ts')).install(host, options, globals(), terminal);
  });

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

interface RunFlags {
  json?: boolean;
  streamJson?: boolean;
  maxCost?: number;
  timeout?: number;
  resume?: string;
  approve?: 'ask' | 'deny';
}

/** A reader of an option's value whose complaint is commander's. */
function parsed<T>(read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  };
}

async function failed(error: unknown): Promise<ExitCode> {
  // Help and version also arrive here; they have printed themselves, and so has a complaint about the arguments.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  const { redacted } = await import('../log.ts');
  const known = error instanceof DeputyError;
  const message = cleanText(
    redacted(known || program.opts<Globals>().verbose !== true ? messageOf(error) : String((error as Error).stack)),
  );
  terminal.err.write(`${message}\n`);
  if (process.argv.includes('--json'))
    terminal.out.write(
      `${printableJson({ type: 'error', error: { code: known ? error.code : 'E_INTERNAL', message } }, 2)}\n`,
    );
  return exitCodeOfError(error);
}

endQuietlyWithoutReader(process.stdout, () => process.exit(exitCode.ok));
endQuietlyWithoutReader(process.stderr, () => undefined);

try {
  await program.parseAsync();
} catch (error) {
  code = await failed(error);
}
process.exitCode = code;
// Everything is closed by now; whatever still holds the process (a socket kept alive) does not hold the user.
setTimeout(() => process.exit(), 1000).unref();
