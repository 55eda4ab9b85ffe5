/** What a task does, turn by turn; a letter, behind the task's own name, makes every argument the only one of its kind. */
export const plan: readonly (readonly { tool: string; letter: string }[])[] = [
  [
    { tool: 'hands/pay', letter: 'a' },
    { tool: 'lab/pay', letter: 'b' },
    { tool: 'hands/put', letter: 'c' },
    { tool: 'lab/look', letter: 'd' },
  ],
  [
    { tool: 'lab/pay', letter: 'e' },
    { tool: 'hands/look', letter: 'f' },
  ],
  [
    { tool: 'hands/pay', letter: 'g' },
    { tool: 'lab/put', letter: 'h' },
  ],
];
