/** What a provider's wire looks like, so that one suite can speak to all of them. Written from the APIs' references. */
import type { ModelOptions } from '../../src/providers/model-options.ts';
import type { Json, JsonObject } from '../../src/json.ts';

/** A model's reply, before it is put into a wire format. */
export interface Said {
  thinking?: string;
  /** What proves the thinking to its provider: signature, encrypted content. */
  proof?: string;
  text?: string;
  refusal?: string;
  calls?: { id?: string; name: string; args: string }[];
  stop?: 'length' | 'refusal';
  /** `input` counts all tokens of the prompt. */
  usage?: { input: number; cached?: number; write?: number; output: number; reasoning?: number };
}

export interface Wire {
  provider: ModelOptions['provider'];
  /** A model with a known price. */
  model: string;
  /** After the server's address in `base_url`. */
  base: string;
  /** Where requests must arrive. */
  path: string;
  whole(said: Said): JsonObject;
  /** The same as server-sent events. */
  events(said: Said): string;
  /** An error event in the middle of a stream, of an overloaded server. */
  errorEvent: string;
  /** A reply with blocks of a kind that nobody knows yet, and the text "known". */
  unknownBlocks: JsonObject;
  errorBody(code: string, message: string): JsonObject;
  /** The conversation in a request, one line a thing. */
  heard(body: JsonObject): string[];
  /** Whether `tokens` count includes writes to a cache. */
  countsWrites: boolean;
}

export const event = (name: string | undefined, data: unknown): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;

/** Text in two pieces, as a stream would bring it. */
export const halves = (text: string): string[] => {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '');
};

export const list = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);

export const word = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A part of a message in words; bytes by their type. */
export function part(block: JsonObject): string {
  const flat = JSON.stringify(block);
  const type = flat.match(/(?:data:|"media_type":")([a-z]+\/[a-z-]+)/)?.[1];
  const isAudio = flat.includes('"input_audio"');
  return isAudio ? '<audio>' : type !== undefined ? `<${type}>` : word(block['text'] ?? flat);
}

export const canonical = (args: Json | undefined): string => {
  const value = typeof args === 'string' ? (JSON.parse(args) as Json) : (args ?? null);
  return JSON.stringify(value);
};
