/**
 * Secrets that stand in a file as they are. They are known by their form, never by the name of their key:
 * `token: example` is nobody's secret, an AWS key in a comment is one. Forms as their issuers document them
 * (compare github.com/gitleaks/gitleaks `config/gitleaks.toml`).
 */
import type { Span } from './source.ts';

const forms: readonly [what: string, form: string][] = [
  ['an Anthropic API key', 'sk-ant-[A-Za-z0-9_-]{20,}'],
  [
    'an API key',
    'sk-(?:[a-z0-9]{1,16}-){0,4}(?=[A-Za-z_-]{0,64}[0-9])(?=[0-9a-z_-]{0,64}[A-Z]|[0-9a-f-]{32})[A-Za-z0-9_-]{20,}',
  ],
  ['a GitHub token', 'gh[pousr]_[A-Za-z0-9]{30,}'],
  ['a GitHub token', 'github_pat_[A-Za-z0-9_]{22,}'],
  ['a GitLab token', 'glpat-[A-Za-z0-9_-]{20,}'],
  ['a Slack token', 'xox[abeoprs]-[A-Za-z0-9-]{10,}'],
  ['an AWS access key', '(?:AKIA|ASIA)[0-9A-Z]{16}'],
  ['a Google API key', 'AIza[0-9A-Za-z_-]{35}'],
  ['a Hugging Face token', 'hf_[A-Za-z0-9]{30,}'],
  ['an npm token', 'npm_[A-Za-z0-9]{36}'],
  ['a Stripe key', '[rs]k_live_[A-Za-z0-9]{16,}'],
  ['a SendGrid key', 'SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}'],
  ['a Groq API key', 'gsk_[A-Za-z0-9]{40,}'],
  ['an xAI API key', 'xai-[A-Za-z0-9]{60,}'],
  ['a JSON Web Token', 'eyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}'],
  ['a private key', '-----BEGIN (?:[A-Z]{1,16} ){0,4}PRIVATE KEY-----'],
];

/** Not inside a longer word: `task-...` is no `sk-...`; which also keeps the search linear in hostile files. */
const anySecret = new RegExp(`(?<![A-Za-z0-9_-])(?:${forms.map(([, form]) => `(${form})`).join('|')})`, 'g');

export interface LiteralSecret {
  what: string;
  span: Span;
}

export const findSecrets = (text: string): LiteralSecret[] =>
  [...text.matchAll(anySecret)].map((match) => ({
    what: forms[match.slice(1).findIndex((group) => group !== undefined)]?.[0] ?? 'a secret',
    span: [match.index, match.index + match[0].length],
  }));

export const looksLikeSecret = (text: string): boolean => text.search(anySecret) !== -1;

/** As long as before, so that carets stay where they belong. */
export const maskSecrets = (text: string): string =>
  text.replace(anySecret, (secret) => secret.slice(0, 4) + '*'.repeat(secret.length - 4));
