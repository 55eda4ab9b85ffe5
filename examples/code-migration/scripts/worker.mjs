/** Moves a plain CommonJS file to ES modules without a model: line by line. */
export default function reply({ turn, user, results }) {
  const { path } = JSON.parse(user);
  if (turn === 0) return { calls: [{ tool: 'files__read_text_file', args: { path } }] };
  if (turn > 1) return results[0].isError ? `${path}: left as it was. ${results[0].text}` : `${path}: done`;
  const content = path.endsWith('package.json') ? asModulePackage(results[0].text) : asModule(results[0].text);
  if (content === results[0].text) return `${path}: nothing to change`;
  return { calls: [{ tool: 'files__write_file', args: { path, content } }] };
}

const asModulePackage = (text) => `${JSON.stringify({ ...JSON.parse(text), type: 'module' }, undefined, 2)}\n`;

const asModule = (text) =>
  text
    .replace(/^'use strict';\n+/, '')
    .replaceAll(
      /^const (\w+|\{[^}]*\}) = require\('([^']+)'\);/gm,
      (_, names, from) => `import ${imported(names)} from '${located(from)}';`,
    )
    .replaceAll(/^module\.exports = (\{[^}]*\});/gm, (_, names) => `export ${names};`)
    .replaceAll(/^module\.exports = (\w+);/gm, (_, name) => `export default ${name};`)
    .replaceAll(/^exports\.(\w+) = /gm, (_, name) => `export const ${name} = `);

/** `{ a: b }` of a pattern is `{ a as b }` of an import. */
const imported = (names) => (names.startsWith('{') ? names.replaceAll(': ', ' as ') : names);

const located = (from) => (from.startsWith('.') && !from.endsWith('.js') ? `${from}.js` : from);
