/** `steps`: what an agent without a model runs. That a step is one thing only is checked in `resolve-steps.ts`. */
import { z } from 'zod';
import { keyRules, otherKeys } from './other-keys.ts';
import { coded } from './schema-values.ts';

const nameOfAgent = (where: string) =>
  z.string({
    error: ({ input }) =>
      typeof input === 'object' && input !== null
        ? coded(
            'E_VALUE',
            `must be the name of an agent: ${where} holds no steps of its own`,
            'make an agent of them, NAME: { description: ..., steps: [...] }, and write NAME here',
          )
        : undefined,
  });

const step = z
  .strictObject({
    parallel: z
      .array(nameOfAgent('`parallel`'))
      .min(1, 'must name at least one agent')
      .optional()
      .describe('Agents that run side by side, all with the same input.'),
    map: nameOfAgent('`map`')
      .optional()
      .describe('An agent that runs once for each item of the list that `over` names.'),
    over: z
      .string()
      .regex(/^(\.|[^\s.]+(\.[^\s.]+)*)$/, 'must name a key, or keys joined by dots: findings, report.findings')
      .optional()
      .describe(
        'Where the list stands in the answer of the step before, or else in the input: keys joined by dots, report.findings; or `.`, where the answer is the list.',
      ),
  })
  .meta({ id: 'step' })
  .register(keyRules, otherKeys.step);

export const stepsSchema = z
  .array(
    z.union([z.string(), step], {
      error: 'must be the name of an agent, { parallel: [AGENT, AGENT] } or { map: AGENT, over: KEY }',
    }),
  )
  .min(1, 'must hold at least one step');

export type StepEntry = z.output<typeof stepsSchema>[number];
