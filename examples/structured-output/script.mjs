/** Triage without a key: by the words of the issue. */
const rules = [
  { kind: 'bug', urgency: 1, words: ['data loss', 'lost', 'corrupt'] },
  { kind: 'bug', urgency: 2, words: ['crash', 'hang', 'fails', 'error'] },
  { kind: 'question', urgency: 4, words: ['how do', 'how can', '?'] },
];

export default function reply({ user }) {
  const { title, body = '' } = JSON.parse(user);
  const text = `${title} ${body}`.toLowerCase();
  const hit = rules
    .map((rule) => ({ ...rule, word: rule.words.find((word) => text.includes(word)) }))
    .find(({ word }) => word);
  const { kind, urgency, word } = hit ?? { kind: 'feature', urgency: 5 };
  const reason = word === undefined ? 'No word of trouble in it.' : `It says "${word}".`;
  return JSON.stringify({ kind, urgency, reason });
}
