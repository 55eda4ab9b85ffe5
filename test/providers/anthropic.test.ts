import { describe } from 'vitest';
import { contract } from './contract.ts';
import { anthropicWire } from './wire-anthropic.ts';

describe('anthropic', () => {
  contract(anthropicWire);
});
