/** What a caller may say to an agent, and what the agent's first message makes of it. */
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { type Content, contentFrom, text } from '../task/content.ts';

/** The input of an agent that declares none of its own. `attachments` are content blocks as MCP has them. */
export const defaultInputSchema: JsonObject = {
  type: 'object',
  properties: {
    message: { type: 'string', description: 'What the agent is asked to do, in words.' },
    conversation: {
      type: 'string',
      description: 'Continues an earlier conversation: the value that its answer carried.',
    },
    attachments: {
      type: 'array',
      description: 'Files and images for the agent to read: MCP content blocks, embedded or linked.',
      items: {
        type: 'object',
        properties: {
          type: { type: 'string', enum: ['text', 'image', 'audio', 'resource', 'resource_link'] },
          text: { type: 'string' },
          data: { type: 'string', description: 'base64, for image and audio' },
          mimeType: { type: 'string' },
          uri: { type: 'string', description: 'for resource_link' },
          name: { type: 'string', description: 'for resource_link' },
          resource: {
            type: 'object',
            description: 'for resource: its text, or its bytes as base64 in blob',
            properties: {
              uri: { type: 'string' },
              mimeType: { type: 'string' },
              text: { type: 'string' },
              blob: { type: 'string' },
            },
            required: ['uri'],
          },
        },
        required: ['type'],
      },
    },
  },
  required: ['message'],
  additionalProperties: false,
};

export interface AgentInput {
  content: Content[];
  conversation?: string;
}

/**
 * Reads an input that fits its schema. An agent with a schema of its own gets its arguments as JSON text,
 * unless they are a `message` like everybody's.
 */
export function agentInput(input: JsonObject): AgentInput {
  const { attachments, ...others } = input;
  const [said, blocks] = Array.isArray(attachments) ? [others, attachments] : [input, []];
  const { message, conversation, ...rest } = said;
  const plain = typeof message === 'string' && Object.keys(rest).length === 0;
  return {
    content: [text(plain ? message : JSON.stringify(said, null, 2)), ...blocks.map(attachment)],
    ...(typeof conversation === 'string' && conversation !== '' && { conversation }),
  };
}

/** What fits no kind of content is shown to the model as it is, never dropped. */
function attachment(block: Json): Content {
  return (isJsonObject(block) ? contentFrom(block) : undefined) ?? text(JSON.stringify(block));
}
