import { describe } from 'vitest';
import { contract } from './contract.ts';
import { openaiChatWire } from './wire-openai-chat.ts';

describe('openai-chat', () => {
  contract(openaiChatWire);
});
