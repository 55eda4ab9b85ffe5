/** Finds CommonJS files without a model: by asking for all of them and reading each. */
const commonJs = /\brequire\(|\bmodule\.exports\b|\bexports\.\w+ =/;

export default function reply({ turn, results, messages }) {
  if (turn === 0) return call('files__list_allowed_directories', [{}]);
  if (turn === 1) {
    const folder = results[0].text.split('\n').at(-1).trim();
    return call(
      'files__search_files',
      ['**/*.js', '**/package.json'].map((pattern) => ({
        path: folder,
        pattern,
        excludePatterns: ['**/node_modules/**'],
      })),
    );
  }
  if (turn === 2) {
    const found = results.flatMap(({ text }) => text.split('\n').filter((line) => /\.(js|json)$/.test(line)));
    return found.length === 0
      ? answer([])
      : call(
          'files__read_text_file',
          found.toSorted().map((path) => ({ path })),
        );
  }
  const asked = messages
    .findLast(({ role }) => role === 'assistant')
    .content.filter(({ type }) => type === 'tool_call');
  return answer(
    asked.flatMap(({ args }, index) => (isToChange(args.path, results[index].text) ? [{ path: args.path }] : [])),
  );
}

const isToChange = (path, text) => (path.endsWith('package.json') ? !text.includes('"module"') : commonJs.test(text));

const call = (tool, each) => ({ calls: each.map((args) => ({ tool, args })) });

const answer = (files) => JSON.stringify({ files });
