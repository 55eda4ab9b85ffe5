/** Pages that people were asked to open, and that their server says were seen to (2025-11-25, elicitation, URL mode). */
import { isJsonObject } from '../json.ts';

export interface Pages {
  /** `params` of `notifications/elicitation/complete`, as they came. */
  tell(params: unknown): void;
  /** @returns how to stop hearing of it. */
  hear(id: string, onDone: () => void): () => void;
}

export function openPages(): Pages {
  const waiting = new Map<string, Set<() => void>>();
  return {
    tell(params) {
      const id = isJsonObject(params) ? params['elicitationId'] : undefined;
      if (typeof id === 'string') for (const onDone of waiting.get(id) ?? []) onDone();
    },
    hear(id, onDone) {
      const those = waiting.get(id) ?? new Set();
      waiting.set(id, those.add(onDone));
      return () => {
        those.delete(onDone);
        if (those.size === 0) waiting.delete(id);
      };
    },
  };
}
