/** Counters, gauges and histograms, and the text in which Prometheus reads them (exposition format 0.0.4). */

type Labels = Readonly<Record<string, string>>;

/** Names may come from models and servers: beyond this many, further label sets are counted together as `other`. */
const maxSeries = 1000;

interface Series<T> {
  labels: Labels;
  value: T;
}

/** The series of one metric, by the values of their labels: whoever counts gives the same names in the same order. */
class Family<T> {
  readonly #name: string;
  readonly #head: string;
  readonly #blank: () => T;
  readonly #series = new Map<string, Series<T>>();

  constructor(name: string, type: string, help: string, blank: () => T) {
    this.#name = name;
    this.#head = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    this.#blank = blank;
  }

  at(labels: Labels): Series<T> {
    const key = JSON.stringify(Object.values(labels));
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const isFull = this.#series.size >= maxSeries && Object.values(labels).some((value) => value !== 'other');
    if (isFull) return this.at(Object.fromEntries(Object.keys(labels).map((name) => [name, 'other'])));
    const series = { labels, value: this.#blank() };
    this.#series.set(key, series);
    return series;
  }

  text(lines: (name: string, series: Series<T>) => string): string {
    return this.#series.size === 0
      ? ''
      : this.#head + [...this.#series.values()].map((one) => lines(this.#name, one)).join('');
  }
}

export interface Counter {
  add(labels: Labels, amount?: number): void;
  text(): string;
}

export interface Gauge extends Counter {
  set(labels: Labels, value: number): void;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
  text(): string;
}

export const counter = (name: string, help: string): Counter => number(name, 'counter', help);
export const gauge = (name: string, help: string): Gauge => number(name, 'gauge', help);

function number(name: string, type: string, help: string): Gauge {
  const family = new Family(name, type, help, () => 0);
  return {
    add(labels, amount = 1) {
      family.at(labels).value += amount;
    },
    set(labels, value) {
      family.at(labels).value = value;
    },
    text: () => family.text((name, { labels, value }) => line(name, labels, value)),
  };
}

/** `bounds`: the upper bounds of the buckets, ascending; `+Inf` is added. */
export function histogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const family = new Family(name, 'histogram', help, () => ({ counts: bounds.map(() => 0), sum: 0, count: 0 }));
  return {
    observe(labels, value) {
      const { value: series } = family.at(labels);
      series.sum += value;
      series.count += 1;
      const bucket = bounds.findIndex((bound) => value <= bound);
      if (bucket !== -1) series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    },
    text: () =>
      family.text((name, { labels, value: { counts, sum, count } }) => {
        let below = 0;
        const buckets = bounds.map((bound, index) => {
          below += counts[index] ?? 0;
          return line(`${name}_bucket`, { ...labels, le: String(bound) }, below);
        });
        const rest = [
          line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
          line(`${name}_sum`, labels, sum),
          line(`${name}_count`, labels, count),
        ];
        return [...buckets, ...rest].join('');
      }),
  };
}

const line = (name: string, labels: Labels, value: number): string => `${name}${labelText(labels)} ${value}\n`;

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
