/**
 * What happens around this process on the same store: tasks that the dead left or an answer woke are run here, and
 * what others wrote is brought to our runs and our watchers.
 */
import { UnavailableError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { AtWork, Running } from './at-work.ts';
import { deathWatch } from './death-watch.ts';
import type { Run } from './run.ts';
import { type BlameRule, type Instance, type Store, StoreError } from './store.ts';
import type { Watchers } from './watchers.ts';

export interface OtherProcessesOptions {
  store: Store;
  self: Instance;
  here: AtWork;
  watchers: Watchers;
  log: Log;
  /** Ends what a dead instance left running, before its tasks go on. */
  endLeftovers?: ((instance: string) => Promise<void>) | undefined;
  /** Which tasks may go on here: these, or all that nobody runs. */
  mine: () => 'all' | readonly string[];
  /** Milliseconds between two signs of life; silence after which another process is dead; the time of a probation. */
  timings: { beat: number; death: number; probation: number };
}

export interface OtherProcesses {
  /** Says that this process lives, unless it did lately. */
  beat(): Promise<void>;
  /** Runs what was left or woken, as far as nobody runs it and there is room. */
  adopt(): Promise<void>;
  /** Runs a task that was answered here, if nobody does: it waits for no room, as a new task does not. */
  goOn(id: string): Promise<void>;
  takeOver(): Promise<void>;
  /** Answers to our questions, the end of our tasks, states that somebody watches. */
  readNews(): Promise<void>;
}

/** A task of which so many processes died is set aside. */
const mostDeaths = 3;
/** So many tasks that were left or woken are at work at a time: a restart with many does not load them all. */
const mostAtWork = 1_000;

export function otherProcesses(options: OtherProcessesOptions): OtherProcesses {
  const { store, self, here, watchers, log, endLeftovers, mine, timings } = options;
  const deadAmong = deathWatch(timings.death);
  const blame: BlameRule = { withinMs: timings.probation, most: mostDeaths };
  let beatAt = -Infinity;
  /** Claimed, but their rows could not be read yet. */
  const unread = new Map<string, number>();
  /** Those at work that were not started here. */
  const woken = new WeakSet<Running>();

  const mayRun = (): boolean => mine().length > 0;

  const beat = async (): Promise<void> => {
    const now = Date.now();
    if (now - beatAt < timings.beat && now >= beatAt) return;
    await store.beat(self, now);
    beatAt = now;
  };

  const adopt = async (): Promise<void> => {
    const room = mostAtWork - here.all().filter((entry) => woken.has(entry)).length;
    const which = mine();
    if (mayRun() && room > 0) await claim(room, which === 'all' ? undefined : which);
  };

  const goOn = async (id: string): Promise<void> => {
    const which = mine();
    if (which === 'all' || which.includes(id)) await claim(1, [id]);
  };

  const claim = async (most: number, among?: readonly string[]): Promise<void> => {
    const claimed = await store.claim(self.id, most, mostDeaths - 1, among);
    for (const { id, fence } of claimed) unread.set(id, fence);
    if (unread.size > 0) await beat();
    for (const [id, fence] of unread) if (mayRun()) await wake(id, fence);
  };

  const wake = async (id: string, fence: number): Promise<void> => {
    unread.delete(id);
    try {
      const loaded = await store.load(id);
      if (loaded === undefined || loaded.fence !== fence || here.of(id) !== undefined || !mayRun()) return;
      const entry = here.begin(loaded);
      woken.add(entry);
      if (loaded.deaths >= mostDeaths - 1) void acquit(entry);
    } catch (error) {
      log.error({ task: id, err: error }, 'a task could not be read');
      if (error instanceof StoreError) unread.set(id, fence);
      else await setAside(id, fence);
    }
  };

  /** Its row is damaged: nobody will ever read it. */
  const setAside = async (id: string, fence: number): Promise<void> => {
    const error = { code: -32603, message: 'It was set aside: what is stored of it cannot be read.' };
    const outcome = JSON.stringify({ error });
    await store.write([{ kind: 'end', id, fence, at: Date.now(), status: 'failed', outcome }]);
    await showWatched();
  };

  /** One that came so far without harm is not what the processes died of; then the next suspect may run. */
  const acquit = async ({ run, task }: Running): Promise<void> => {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, timings.probation);
    await Promise.race([run.firstRecord, timer.promise]);
    clearTimeout(timeout);
    try {
      await store.acquit(task.id);
      await adopt();
    } catch (error) {
      if (mayRun()) log.error({ task: task.id, err: error }, 'a task on probation could not be acquitted');
    }
  };

  const takeOver = async (): Promise<void> => {
    if (!mayRun()) return;
    for (const dead of deadAmong(await store.others(self.id))) {
      log.warn({ instance: dead }, 'another process died: its tasks go on here');
      await endLeftovers?.(dead);
      await store.bury(dead, blame, Date.now());
      await showWatched();
    }
    await adopt();
  };

  const readNews = async (): Promise<void> => {
    // Those that were here before the store was asked: what is begun meanwhile is not known to it yet.
    const before = here.all();
    const owned = await store.owned(self.id);
    for (const entry of before) {
      if (entry.run.isClosed) continue;
      if (owned.has(entry.task.id)) await deliver(entry.run);
      else here.stop(entry, new UnavailableError('The task was ended, or taken over, by another process.'));
    }
    await showWatched();
    await adopt();
  };

  /** The states of tasks that are watched here and do not run here. */
  const showWatched = async (): Promise<void> => {
    for (const id of watchers.ids()) {
      if (here.of(id) !== undefined) continue;
      const task = await store.task(id);
      if (task !== undefined && here.of(id) === undefined) watchers.tell(id, { type: 'status', task });
    }
  };

  const deliver = async (run: Run): Promise<void> => {
    if (run.openQuestions === 0) return;
    for (const question of await store.questions(run.task.id))
      if (question.answer !== undefined) run.answered(question, question.answer);
    const task = await store.task(run.task.id);
    if (task !== undefined && !run.isClosed) here.changed(task);
  };

  return { beat, adopt, goOn, takeOver, readNews };
}
