/** Writes the report without a model, from one finding a region. */
export default function reply({ turn, user, results, messages }) {
  if (turn === 0) return { calls: [{ tool: 'desk__list_allowed_directories', args: {} }] };
  const answers = [...user.matchAll(/<answer [^>]*>\n(.*?)\n<\/answer>/gs)].map(([, words]) => JSON.parse(words));
  const findings = answers.toSorted((a, b) => b.revenue - a.revenue);
  const sum = findings.reduce((all, { revenue }) => all + revenue, 0);
  if (turn === 1) {
    const folder = results[0].text.split('\n').at(-1).trim();
    return {
      calls: [{ tool: 'desk__write_file', args: { path: `${folder}/report.md`, content: reportOf(findings, sum) } }],
    };
  }
  const { args } = messages
    .findLast(({ role }) => role === 'assistant')
    .content.find(({ type }) => type === 'tool_call');
  return results[0].isError
    ? `The report could not be written: ${results[0].text}`
    : `${euros(sum)} euros in ${findings.length} regions: ${args.path}`;
}

const reportOf = (findings, sum) =>
  [
    '# The year by region',
    '',
    '| Region | Revenue | Orders | Best month | Complaints |',
    '|---|---:|---:|---|---:|',
    ...findings.map(
      ({ region, revenue, orders, best_month, complaints }) =>
        `| ${region} | ${euros(revenue)} | ${orders} | ${best_month} | ${complaints} |`,
    ),
    '',
    `In all ${euros(sum)} euros.`,
    '',
  ].join('\n');

const euros = (cents) => (cents / 100).toFixed(2);
