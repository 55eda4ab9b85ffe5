/**
 * What the editor does while no model has a key: it orders findings by file, writes report.md onto its desk and looks
 * whether it is there. It takes what the librarian's script sends: a question, and findings as `[path:line]` and text.
 */

export default function reply({ turn, user, last, results, messages }) {
  if (turn === 0) return { calls: [{ tool: 'desk/list_allowed_directories', args: {} }] };
  if (results.some((result) => result.isError)) return { text: `I could not write the report: ${last}` };
  if (turn === 1) {
    const path = `${last.trim().split('\n').at(-1)}/report.md`;
    return { calls: [{ tool: 'desk/write_file', args: { path, content: reportOf(user) } }] };
  }
  const path = writtenPath(messages);
  if (turn === 2) return { calls: [{ tool: 'desk/get_file_info', args: { path } }] };
  const size = /^size: (\d+)/m.exec(last)?.[1] ?? 'unknown';
  return { text: `I wrote ${path}: ${findingsOf(user).length} findings, ${size} bytes.` };
}

export function reportOf(order) {
  const question = /^Question: (.*)$/m.exec(order)?.[1] ?? order.split('\n')[0];
  const files = Map.groupBy(findingsOf(order), (finding) => finding.path);
  const sections = [...files].map(([path, findings]) => {
    const quotes = findings
      .toSorted((a, b) => a.line - b.line)
      .map(
        ({ line, text }) =>
          `Line ${line}:\n\n${text
            .split('\n')
            .map((row) => `> ${row}`)
            .join('\n')}\n`,
      );
    return `## ${path}\n\n${quotes.join('\n')}`;
  });
  return `# ${question}\n\nWhat the files say, in their own words.\n\n${sections.join('\n')}`;
}

function findingsOf(order) {
  const parts = order.split(/^\[(.+):(\d+)\]$/m).slice(1);
  const findings = [];
  for (let at = 0; at + 2 < parts.length + 1; at += 3)
    findings.push({ path: parts[at], line: Number(parts[at + 1]), text: (parts[at + 2] ?? '').trim() });
  return findings.length > 0 ? findings : [{ path: 'As told', line: 1, text: order }];
}

const writtenPath = (messages) =>
  messages
    .flatMap((message) => message.content)
    .findLast((block) => block.type === 'tool_call' && block.name.endsWith('write_file')).args.path;
