import { describe } from 'vitest';
import { contract } from './contract.ts';
import { openaiWire } from './wire-openai.ts';

describe('openai', () => {
  contract(openaiWire);
});
