/** Turns references to models into chains: the model that thinks, and those that think instead. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { redact } from '../log.ts';
import { suggestion } from './closest.ts';
import type { ModelConfig } from './config.ts';
import { keyOf, valueOf, type Declarations, type Declared } from './declarations.ts';
import type { Surroundings } from './interpolate.ts';
import type { Problems } from './problem.ts';
import { refuseHeaders } from './refuse-headers.ts';
import type { ModelEntry } from './schema.ts';
import type { Place } from './source.ts';

const providers = ['anthropic', 'openai', 'openai-chat', 'scripted'] as const;
/** Agents say it instead of a reference: they think with the model of whoever calls. */
export const clientModel = 'client';
type Provider = (typeof providers)[number];

/** Where keys and addresses come from when none are written. */
const defaults: Readonly<Record<Exclude<Provider, 'scripted'>, { key: string; url: string }>> = {
  anthropic: { key: 'ANTHROPIC_API_KEY', url: 'ANTHROPIC_BASE_URL' },
  openai: { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL' },
  'openai-chat': { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL' },
};

/** @returns undefined where the reference leads to no model that can think; why has been reported, once a reference. */
export type ModelFor = (reference: string, place: Place) => ModelConfig | undefined;

interface Link {
  /** As people wrote it. */
  reference: string;
  model: ModelConfig;
  /** The environment variable that its key should come from, where it has none. */
  lacks?: string;
  place: Place;
}

const nameOf = (link: Link): string => link.reference;
const variablesOf = (links: Link[]): string => [...new Set(links.map((link) => link.lacks))].join(' or ');

export function resolveModels(
  declarations: Declarations,
  surroundings: Pick<Surroundings, 'root' | 'env'>,
  problems: Problems,
): ModelFor {
  const known = new Map<string, ModelConfig | undefined>();
  return (reference, place) => {
    if (!known.has(reference)) known.set(reference, chain(reference, place));
    return known.get(reference);
  };

  /** One flat chain: fallbacks of fallbacks come after the fallback that they belong to. */
  function chain(reference: string, place: Place): ModelConfig | undefined {
    const before = problems.all.length;
    const links = follow(reference, place, []).filter(
      (link, index, all) => all.findIndex((other) => other.reference === link.reference) === index,
    );
    const usable = links.filter((link) => link.lacks === undefined);
    const [first, ...rest] = usable;
    if (first !== undefined) {
      const [lead, ...others] = links.slice(0, links.indexOf(first));
      if (lead !== undefined) {
        const who =
          others.length === 0 ? `${lead.reference} has` : `${[lead, ...others].map(nameOf).join(' and ')} have`;
        problems.warn('W_MODEL_SKIPPED', lead.place, `${who} no API key, so ${first.reference} thinks instead`, {
          help: `set ${variablesOf([lead, ...others])}`,
        });
      }
      for (const link of links.slice(links.indexOf(first))) {
        if (link.lacks === undefined) continue;
        problems.warn(
          'W_MODEL_SKIPPED',
          link.place,
          `${link.reference} has no API key, so it cannot stand in for ${first.reference}`,
          {
            help: `set ${link.lacks}`,
          },
        );
      }
      return { ...first.model, fallback: rest.map(({ model }) => model) };
    }
    const lead = links[0];
    if (lead?.lacks !== undefined && problems.all.length === before) {
      const others = links.slice(1).map((link) => link.reference);
      const also =
        others.length === 0
          ? ''
          : `, and neither ${others.length === 1 ? 'has its fallback' : 'have its fallbacks'} ${others.join(', ')}`;
      problems.error('E_NO_KEY', lead.place, `${lead.reference} has no API key${also}`, {
        help: `set ${variablesOf(links)}; or name another model`,
      });
    }
    return undefined;
  }

  function follow(reference: string, place: Place, path: string[]): Link[] {
    if (path.includes(reference)) {
      problems.error(
        'E_CYCLE',
        place,
        `models fall back in a circle: ${[...path.slice(path.indexOf(reference)), reference].join(' -> ')}`,
        {
          help: 'a chain of fallbacks must end: remove this one',
        },
      );
      return [];
    }
    const declared = declarations.models.get(reference);
    if (declared === undefined) {
      if (declarations.broken.has(`models.${reference}`)) return [];
      const inline: Declared<ModelEntry> = {
        value: { model: reference },
        spot: { source: place.source, value: place.span, key: place.span, children: new Map() },
      };
      const link = readModel(reference, inline, place);
      return link === undefined ? [] : [link];
    }
    const link = readModel(reference, declared, valueOf(declared, 'model'));
    const fallbacks = (declared.value.fallback ?? []).flatMap((next, index) =>
      follow(next, valueOf(declared, 'fallback', index), [...path, reference]),
    );
    return link === undefined ? fallbacks : [link, ...fallbacks];
  }

  function readModel(reference: string, declared: Declared<ModelEntry>, place: Place): Link | undefined {
    const { value: entry } = declared;
    const slash = entry.model.indexOf('/');
    const provider = providers.find((name) => name === entry.model.slice(0, slash));
    const name = entry.model.slice(slash + 1);
    if (provider === undefined || name === '') {
      refuseReference(reference, entry.model, place);
      return undefined;
    }
    const settings = readSettings(entry);
    refuseHeaders(declared, problems);
    if (provider === 'scripted') {
      const path = resolve(surroundings.root, name);
      if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
        problems.error('E_FILE', place, `the script ${JSON.stringify(name)} does not exist`, {
          help: 'scripted/FILE is relative to the folder of agents.yaml',
        });
        return undefined;
      }
      return { reference, place, model: { provider, model: path, ...settings, fallback: [] } };
    }
    const baseUrl = entry.base_url ?? nonEmpty(surroundings.env[defaults[provider].url]);
    if (baseUrl !== undefined && !isHttpUrl(baseUrl)) {
      const where = entry.base_url === undefined ? ` ($${defaults[provider].url})` : '';
      problems.error(
        'E_VALUE',
        entry.base_url === undefined ? place : valueOf(declared, 'base_url'),
        `the base URL${where} must begin with http:// or https://`,
      );
      return undefined;
    }
    const apiKey =
      nonEmpty(entry.api_key) ?? (isAsked(declared) ? undefined : nonEmpty(surroundings.env[defaults[provider].key]));
    if (apiKey !== undefined) redact(apiKey);
    const model: ModelConfig = {
      provider,
      model: name,
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(apiKey === undefined ? {} : { apiKey }),
      ...settings,
      fallback: [],
    };
    if (apiKey !== undefined || (provider === 'openai-chat' && baseUrl !== undefined && !isAsked(declared)))
      return { reference, place, model };
    const lacks = declared.spot.children.get('api_key')?.unset ?? defaults[provider].key;
    return {
      reference,
      place: declared.spot.children.has('api_key') ? valueOf(declared, 'api_key') : place,
      model,
      lacks,
    };
  }

  function refuseReference(reference: string, written: string, place: Place): void {
    const provider = written.split('/', 1)[0] ?? '';
    if (provider === clientModel) {
      problems.error(
        'E_VALUE',
        place,
        '"client" is the model of whoever calls an agent: it has no name, settings or fallbacks',
        {
          help: 'write `model: client` at the agent itself, or at the top for all agents',
        },
      );
      return;
    }
    const names = [...declarations.models.keys()];
    const isPath = written.includes('/');
    problems.error(
      'E_REFERENCE',
      place,
      isPath ? `unknown provider ${JSON.stringify(provider)}` : `unknown model ${JSON.stringify(written)}`,
      {
        help: isPath
          ? suggestion(provider, providers, 'providers')
          : ((declarations.models.has(reference) ? undefined : suggestion(written, names, 'declared models')) ??
            `write provider/model; providers: ${providers.join(', ')}`),
      },
    );
  }
}

/** It says where its key comes from: then no other key will do. */
const isAsked = (declared: Declared<ModelEntry>): boolean => declared.spot.children.has('api_key');

function readSettings(entry: ModelEntry): Omit<ModelConfig, 'provider' | 'model' | 'fallback'> {
  const { price } = entry;
  return {
    ...(entry.headers === undefined ? {} : { headers: entry.headers }),
    ...(entry.thinking === undefined ? {} : { thinking: entry.thinking }),
    ...(entry.max_tokens === undefined ? {} : { maxTokens: entry.max_tokens }),
    ...(entry.temperature === undefined ? {} : { temperature: entry.temperature }),
    ...(entry.context_window === undefined ? {} : { contextWindow: entry.context_window }),
    ...(entry.concurrency === undefined ? {} : { concurrency: entry.concurrency }),
    ...(price === undefined
      ? {}
      : {
          price: {
            input: price.input,
            output: price.output,
            ...(price.cached_input === undefined ? {} : { cachedInput: price.cached_input }),
            ...(price.cache_write === undefined ? {} : { cacheWrite: price.cache_write }),
          },
        }),
  };
}

/** Keys are pasted with blanks and line breaks around them. */
const nonEmpty = (text: string | undefined): string | undefined => (text?.trim() === '' ? undefined : text?.trim());

export const isHttpUrl = (text: string): boolean => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);

/** Names that cannot be referred to, and entries that nobody could mean. */
export function checkModelNames(declarations: Declarations, problems: Problems): void {
  for (const [name, declared] of declarations.models) {
    if (name === clientModel) {
      problems.error('E_NAME', keyOf(declared), '"client" means the model of whoever calls an agent', {
        help: 'call this one something else',
      });
      continue;
    }
    if (/^[A-Za-z0-9_.:-]{1,64}$/.test(name)) continue;
    problems.error('E_NAME', keyOf(declared), `${JSON.stringify(name)} cannot be a model's name`, {
      help: 'use up to 64 letters, digits, "_", "-", "." and ":"; a slash would make it provider/model',
    });
  }
}
