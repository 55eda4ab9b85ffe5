/**
 * What the librarian does while no model has a key: real work with the real tools, by counting words.
 *
 * It looks for files whose names fit the question, reads them, ranks their passages (BM25 over the question's words,
 * headings included) and quotes the best with their places. It understands nothing, and says so.
 *
 * Everything follows from the conversation, so a task that is recovered does the same again.
 */
import { blocksOf, fits, rank, wordsOf } from './passages.mjs';

const skipped = [
  '**/node_modules',
  '**/.*',
  '**/dist',
  '**/coverage',
  '**/desk',
  '**/package-lock.json',
  '**/*.schema.json',
];
const kinds = ['**/*.{md,mdx,txt,rst}', '**/*.{yaml,yml,toml}', '**/*.{ts,tsx,js,mjs,py,go,rs,java}'];
const filesATurn = 24;
const readingTurns = 2;

export default function reply({ user, messages }) {
  const done = callsSince(messages);
  const words = wordsOf(user);
  const searches = done.filter((call) => call.tool.endsWith('search_files'));
  if (searches.length === 0) return look(words);

  const root = rootOf(done);
  const paths = [...new Set(searches.flatMap((call) => (call.isError ? [] : linesOf(call.text))))];
  const reads = done.filter((call) => call.tool.endsWith('read_text_file'));
  const read = new Set(reads.map((call) => call.args.path));
  const texts = reads
    .filter((call) => !call.isError)
    .map((call) => ({ path: relative(root, call.args.path), text: call.text }));
  const found = rank(words, texts.flatMap(blocksOf), 5);

  const unread = byPromise(words, root, paths).filter((path) => !read.has(path));
  const isEnough = reads.length > 0 && (fits(words, found) || reads.length >= filesATurn * readingTurns);
  if (unread.length > 0 && !isEnough) {
    const next = unread.slice(0, filesATurn);
    return {
      text: `${reads.length === 0 ? `${paths.length} files could know.` : 'That is not enough.'} I read ${next.length} of them.\n`,
      calls: next.map((path) => ({ tool: 'library/read_text_file', args: { path } })),
    };
  }

  const report = done.find((call) => call.tool === 'editor');
  if (found.length > 0 && report === undefined && /\b(report|notes?|write|written|summar\w+)\b/i.test(user))
    return {
      text: 'I give what I found to the editor.\n',
      calls: [{ tool: 'editor', args: { message: order(user, found) } }],
    };
  return { text: answer(user, found, read.size, report) };
}

function look(words) {
  const named = words.length === 0 ? [] : [`**/*{${words.map((word) => word.stem).join(',')}}*`];
  return {
    text: 'I look for files that could know.\n',
    calls: [
      { tool: 'library/list_allowed_directories', args: {} },
      ...[...named, ...kinds].map((pattern) => ({
        tool: 'library/search_files',
        args: { path: '.', pattern, excludePatterns: skipped },
      })),
    ],
  };
}

/** Files first whose paths have the question's words; documents before code, code before tests, near before deep. */
function byPromise(words, root, paths) {
  const promise = (path) => {
    const name = relative(root, path).toLowerCase();
    const named = words.filter((word) => name.includes(word.stem)).length * 4;
    const kind = /\.(md|mdx|txt|rst)$/.test(name) ? 4 : /(^|\/)(test|bench|examples)\//.test(name) ? -3 : 0;
    return named + kind + (name.startsWith('readme') ? 3 : 0) - name.split('/').length * 0.5;
  };
  return paths
    .filter((path) => /\.[a-z]{1,4}$/i.test(path))
    .map((path) => ({ path, promise: promise(path) }))
    .toSorted((a, b) => b.promise - a.promise || (a.path < b.path ? -1 : 1))
    .map(({ path }) => path);
}

function order(question, found) {
  const findings = found.map(({ path, line, text }) => `[${path}:${line}]\n${text}`).join('\n\n');
  return `Write report.md.\n\nQuestion: ${question}\n\nFindings:\n\n${findings}`;
}

function answer(question, found, howMany, report) {
  if (found.length === 0)
    return `I read ${howMany === 1 ? '1 file' : `${howMany} files`} and found nothing about: ${question}\n\n${honestly}`;
  const quotes = found.map(({ path, line, text }) => `${path}:${line}\n${quoted(text)}`).join('\n\n');
  const written = report === undefined ? '' : `\n\nEditor: ${report.text.trim()}`;
  return `The ${found.length} passages that fit best, of ${howMany} files:\n\n${quotes}${written}\n\n${honestly}`;
}

const honestly =
  '(I am a script: I count words and quote. With ANTHROPIC_API_KEY or OPENAI_API_KEY a model reads and answers.)';

const quoted = (text) =>
  text
    .split('\n')
    .slice(0, 8)
    .map((line) => `  > ${line}`)
    .join('\n');

/** Every tool call since the caller's last words, with its result. */
function callsSince(messages) {
  const said = messages.findLastIndex(
    (message) => message.role === 'user' && message.content.every((block) => block.type !== 'tool_result'),
  );
  const blocks = messages.slice(said + 1).flatMap((message) => message.content);
  const results = blocks.filter((block) => block.type === 'tool_result');
  // An id is unique in its message only: the n-th call with an id belongs to the n-th result with it.
  const seen = new Map();
  return blocks
    .filter((block) => block.type === 'tool_call')
    .map((call) => {
      const nth = seen.get(call.id) ?? 0;
      seen.set(call.id, nth + 1);
      const result = results.filter((one) => one.callId === call.id)[nth];
      const text =
        result?.content
          .filter((block) => block.type === 'text')
          .map((block) => block.text)
          .join('') ?? '';
      return { tool: call.name, args: call.args, text, isError: result?.isError ?? true };
    });
}

const linesOf = (text) => (text === 'No matches found' ? [] : text.split('\n').filter((line) => line !== ''));

/** The library's own folder: the last line of the server's answer names it. */
const rootOf = (calls) =>
  linesOf(calls.find((call) => call.tool.endsWith('list_allowed_directories'))?.text ?? '').at(-1) ?? '';

const relative = (root, path) =>
  root !== '' && path.startsWith(root) ? path.slice(root.length).replace(/^[\\/]/, '') : path;
