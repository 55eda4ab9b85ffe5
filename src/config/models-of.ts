import type { AgentConfig, ModelConfig } from './config.ts';

/** The models of its own that an agent may think with, first the one that it should; none where it has none. */
export function modelsOf({ model }: Pick<AgentConfig, 'model'>): ModelConfig[] {
  if (model.provider === 'client' || model.provider === 'plan') return [];
  return [model, ...model.fallback];
}
