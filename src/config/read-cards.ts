/**
 * Agent cards: `agents/NAME.md` (front matter, and the body as instructions) and `agents/NAME.yaml`.
 * Claude Code's agent files are cards as they stand (fields: code.claude.com/docs/en/sub-agents).
 */
import { basename, extname, join } from 'node:path';
import { checkShape } from './check-shape.ts';
import { readClaudeWords } from './claude-card.ts';
import { declare, type Declarations, type DeclaredAgent } from './declarations.ts';
import { splitFrontMatter } from './front-matter.ts';
import { interpolate } from './interpolate.ts';
import { parseFile, refuseLiteralSecrets } from './parse-file.ts';
import { fileProblem } from './problem.ts';
import { readSource, type Reading } from './read-source.ts';
import { cardSchema, yamlCardSchema } from './schema-agents.ts';
import type { AgentEntry } from './schema.ts';
import { shownPath, type Source } from './source.ts';
import { placeOf, type Spot } from './spot.ts';

const mostCards = 500;

/** An agent as a card has it: its name may be given inside, else it is the file's. */
interface Card {
  name: string;
  agent: DeclaredAgent;
}

export async function readCards(folder: string, declarations: Declarations, reading: Reading): Promise<void> {
  const names = await reading.files.list(folder);
  const files = names.filter((name) => /\.(md|ya?ml)$/.test(name) && !/^readme\.md$/i.test(name)).toSorted();
  if (files.length > mostCards) {
    reading.problems.all.push(
      fileProblem('E_BOUND', shownPath(folder, reading.cwd), `more than ${mostCards} agent cards`),
    );
    return;
  }
  const cards = new Map<string, DeclaredAgent>();
  for (const file of files) {
    const source = await readSource(join(folder, file), reading);
    if (!('text' in source)) {
      reading.problems.all.push(source);
      declarations.broken.add(`agents.${stem(file)}`);
      continue;
    }
    const card =
      extname(file) === '.md' ? await readMarkdown(source, declarations, reading) : await readYaml(source, reading);
    if (card === undefined) declarations.broken.add(`agents.${stem(file)}`);
    else declare(cards, 'agent', card.name, card.agent, reading.problems);
  }
  for (const [name, card] of cards) joinEntry(name, card, declarations, reading);
}

/** An entry of agents.yaml without instructions takes them, and whatever else it does not say, from the card of its name. */
function joinEntry(name: string, card: DeclaredAgent, declarations: Declarations, reading: Reading): void {
  const entry = declarations.agents.get(name);
  if (entry === undefined || entry.value.instructions !== undefined) {
    declare(declarations.agents, 'agent', name, card, reading.problems);
    return;
  }
  const children = new Map([...card.spot.children, ...entry.spot.children]);
  declarations.agents.set(name, {
    value: { ...card.value, ...entry.value },
    spot: { ...entry.spot, children },
    withoutTools: entry.value.tools === undefined ? card.withoutTools : [],
  });
}

async function readYaml(source: Source, { problems, ...surroundings }: Reading): Promise<Card | undefined> {
  const parsed = parseFile(source, problems);
  if (parsed === undefined) return undefined;
  const name = nameOf(parsed.value, source);
  const resolved = await interpolate(parsed, ['agents', name], surroundings, problems);
  const checked = checkShape(resolved, { schema: yamlCardSchema, base: `agents.${name}` }, problems);
  if (checked === undefined) return undefined;
  const { name: _, ...value } = checked;
  return { name, agent: { value, spot: withName(parsed.spot, source), withoutTools: [] } };
}

async function readMarkdown(source: Source, declarations: Declarations, reading: Reading): Promise<Card | undefined> {
  const { problems } = reading;
  refuseLiteralSecrets(source, problems);
  const parts = splitFrontMatter(source, problems);
  if (parts === undefined) return undefined;
  if (parts === 'none') return withoutFrontMatter(source, declarations, reading);
  const { name: given, entry, spot, body } = parts;
  const name = given ?? stem(source.path);
  const kept = readClaudeWords(entry, spot, name, declarations, problems);
  const resolved = await interpolate({ value: kept.entry, spot }, ['agents', name], reading, problems);
  const checked = checkShape(resolved, { schema: cardSchema, base: `agents.${name}` }, problems);
  if (checked === undefined) return undefined;
  const { name: _name, disallowedTools: _not, maxTurns: _turns, tools: _tools, ...rest } = checked;
  const value: AgentEntry = { ...rest, ...kept.translated };
  if (value.instructions !== undefined && body.text !== '') {
    problems.error(
      'E_DUPLICATE',
      placeOf(spot.children.get('instructions') ?? spot, 'key'),
      `agents.${name} has instructions twice: here and in the text below`,
      {
        help: 'keep one of them',
        related: [{ message: 'the text begins here', place: { source, span: body.span } }],
      },
    );
  }
  if (body.text !== '') value.instructions = body.text;
  const children = new Map(spot.children);
  if (!('model' in kept.entry)) children.delete('model');
  if (kept.translated.tools !== undefined) {
    const items = kept.toolPlaces.map(
      ({ source, span }, index) => [index, { source, value: span, children: new Map() }] as const,
    );
    const tools = children.get('tools') ?? spot;
    children.set('tools', { ...tools, children: new Map(items) });
  }
  if (body.text !== '') children.set('instructions', { source, value: body.span, children: new Map() });
  return { name, agent: { value, spot: withName({ ...spot, children }, source), withoutTools: kept.withoutTools } };
}

/** Plain text beside agents.yaml: the instructions of the entry of its name, or nobody's. */
function withoutFrontMatter(source: Source, declarations: Declarations, { problems }: Reading): Card | undefined {
  const name = stem(source.path);
  const spot: Spot = { source, value: [0, Math.min(1, source.text.length)], children: new Map() };
  if (!declarations.agents.has(name)) {
    problems.warn('W_CARD', placeOf(spot), 'this file has no front matter, so it is no agent', {
      help: 'begin it with lines "---", "description: ...", "---"; or move it out of agents/',
    });
    return undefined;
  }
  return { name, agent: { value: { instructions: source.text.trim() }, spot, withoutTools: [] } };
}

function nameOf(value: unknown, source: Source): string {
  const given = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined;
  return typeof given === 'string' ? given : stem(source.path);
}

/** The place of a card's name: its `name`, else the beginning of the file. */
function withName(spot: Spot, source: Source): Spot {
  const first = source.text.search(/[\r\n]|$/);
  return { ...spot, key: spot.children.get('name')?.value ?? [0, first] };
}

const stem = (path: string): string => basename(path, extname(path));
