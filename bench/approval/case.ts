/** One case of the matrix. */

/** What is another one when the call is made than it was when the person was asked. */
export const swaps = [
  'nothing',
  'task',
  'chain',
  'tool',
  'definition',
  'pin',
  'effect class',
  'policy',
  'policy denies',
] as const;
export type Swap = (typeof swaps)[number];

export const answers = [
  'approve',
  'edit',
  'edit wrongly',
  'approve for the task',
  'deny',
  'decline',
  'dismiss',
  'bare accept',
  'words in its place',
  'words of a model',
  'repeated',
  'late',
] as const;
export type AnswerKind = (typeof answers)[number];

export const channelNames = ['command line', '2026 task', '2026 rounds', '2025 dialog', 'handle tool'] as const;
export type ChannelName = (typeof channelNames)[number];

/** The process dies at its durable write number `at`, `before` it is made or `after`. */
export interface Death {
  at: number;
  when: 'before' | 'after';
}

export interface Case {
  /** Its place in the matrix: with the seed it is found again. */
  number: number;
  swap: Swap;
  answer: AnswerKind;
  channel: ChannelName;
  death: Death | undefined;
  /** Small choices: whether the rest is approved or denied, which class comes first. */
  whim: number;
}
