/** The front matter of a card and the text below it. */
import { isJsonObject, type JsonObject } from '../json.ts';
import { collectProblems, type Problems } from './problem.ts';
import { parseYaml, type Parsed } from './parse-yaml.ts';
import type { Source, Span } from './source.ts';
import { placeOf, type Spot } from './spot.ts';

export interface FrontMatter {
  name?: string;
  entry: JsonObject;
  spot: Spot;
  body: { text: string; span: Span };
}

/** @returns `none` where the file does not begin with `---`; undefined after a fault, which has been reported. */
export function splitFrontMatter(source: Source, problems: Problems): FrontMatter | 'none' | undefined {
  const opening = /^\uFEFF?---[ \t]*\r?\n/.exec(source.text);
  if (opening === null) return 'none';
  const start = opening[0].length;
  const closing = /^---[ \t]*$/m.exec(source.text.slice(start));
  if (closing === null) {
    problems.error('E_YAML', { source, span: [0, 3] }, 'the front matter that begins here has no end', {
      help: 'end it with a line "---"',
    });
    return undefined;
  }
  const end = start + closing.index;
  const parsed = parseFrontMatter(source, [start, end], problems);
  if (parsed === undefined) return undefined;
  if (parsed.value !== null && !isJsonObject(parsed.value)) {
    problems.error('E_TYPE', placeOf(parsed.spot), 'the front matter must be a map of keys');
    return undefined;
  }
  const entry = parsed.value ?? {};
  const after = end + closing[0].length;
  const text = source.text.slice(after).trim();
  const bodyStart = text === '' ? after : after + source.text.slice(after).search(/\S/);
  const body = { text, span: [bodyStart, bodyStart + text.length] as const };
  return { entry, spot: parsed.spot, body, ...(typeof entry['name'] === 'string' ? { name: entry['name'] } : {}) };
}

/**
 * Claude Code reads `description: Use it when... Example: ...` though YAML forbids ": " in text without quotes, and its
 * own generator writes such lines. So where YAML finds fault, one-line texts are read as they stand and it looks again.
 */
function parseFrontMatter(source: Source, area: Span, problems: Problems): Parsed | undefined {
  const strict = collectProblems();
  const parsed = parseYaml(source, strict, area);
  if (parsed !== undefined) {
    problems.all.push(...strict.all);
    return parsed;
  }
  const texts: { placeholder: string; text: string }[] = [];
  // Placeholders are as long as the text that they stand for, so that every place stays right.
  const relaxed = source.text
    .slice(...area)
    .replaceAll(/^([A-Za-z_-]+:[ \t]+)([^\s"'[{|>&*!%@`#].*)$/gm, (line, key: string, rest: string) => {
      const text = rest.trimEnd();
      if (!/: |:$| #/.test(text)) return line;
      const placeholder = 'x'.repeat(text.length);
      texts.push({ placeholder, text });
      return key + placeholder + rest.slice(text.length);
    });
  const before = source.text.slice(0, area[0]);
  const lenient = collectProblems();
  const again = parseYaml({ ...source, text: before + relaxed }, lenient, [area[0], area[0] + relaxed.length]);
  if (again === undefined || texts.length === 0 || !isJsonObject(again.value)) {
    problems.all.push(...strict.all);
    return undefined;
  }
  for (const [key, value] of Object.entries(again.value)) {
    const first = texts[0];
    if (first === undefined || typeof value !== 'string' || !value.startsWith(first.placeholder)) continue;
    again.value[key] = first.text + value.slice(first.placeholder.length);
    texts.shift();
  }
  problems.all.push(...lenient.all);
  return { value: again.value, spot: inSource(again.spot, source) };
}

/** The spots of the relaxed text, over the text that people see. */
function inSource(spot: Spot, source: Source): Spot {
  const children = new Map([...spot.children].map(([step, child]) => [step, inSource(child, source)]));
  return { ...spot, source, children };
}
