/**
 * What happens around this process on the same store: tasks that wait, that the dead left or that an answer woke are
 * run here as far as there are places, and what others wrote, or time has brought, reaches our runs and our watchers.
 */
import type { Log } from '../log.ts';
import { type AtWork, type Running, takenOver, whyLost } from './at-work.ts';
import { deathWatch } from './death-watch.ts';
import type { Place, WorkPlaces } from './places.ts';
import type { Run } from './run.ts';
import { type BlameRule, type Instance, type Store, StoreError } from './store.ts';
import type { Watchers } from './watchers.ts';

export interface OtherProcessesOptions {
  store: Store;
  self: Instance;
  here: AtWork;
  places: WorkPlaces;
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
  /** Runs what wants to run, as far as nobody runs it and there are places. */
  adopt(): Promise<void>;
  takeOver(): Promise<void>;
  /** What was written to the task from outside reaches its run, wherever that is. */
  reach(id: string): Promise<void>;
  /** Answers to our questions, messages, the end of our tasks, states that somebody watches. */
  readNews(): Promise<void>;
  /** Ends the questions and timers whose time is over. */
  expire(): Promise<void>;
}

/** A task of which so many processes died is set aside. */
const mostDeaths = 3;
/** Questions that expire in one transaction. */
const expired = 200;

export function otherProcesses(options: OtherProcessesOptions): OtherProcesses {
  const { store, self, here, places, watchers, log, endLeftovers, mine, timings } = options;
  const deadAmong = deathWatch(timings.death);
  const blame: BlameRule = { withinMs: timings.probation, most: mostDeaths };
  let beatAt = -Infinity;
  /** Claimed, but their rows could not be read yet. */
  const unread = new Map<string, { fence: number; place: Place }>();
  let adopting: Promise<void> | undefined;
  let isMoreWanted = false;

  const mayRun = (): boolean => mine().length > 0;

  const beat = async (): Promise<void> => {
    const now = Date.now();
    if (now - beatAt < timings.beat && now >= beatAt) return;
    await store.beat(self, now);
    beatAt = now;
  };

  /** One claim at a time, so that none takes the places of another. */
  const adopt = (): Promise<void> => {
    isMoreWanted = true;
    return (adopting ??= adoptAll());
  };

  const adoptAll = async (): Promise<void> => {
    try {
      while (isMoreWanted) {
        isMoreWanted = false;
        await claim();
        if (unread.size > 0) await beat();
        // One that cannot be read now is put back.
        const claimed = [...unread];
        for (const [id, { fence, place }] of claimed) if (mayRun()) await wake(id, fence, place);
      }
    } finally {
      adopting = undefined;
    }
  };

  const claim = async (): Promise<void> => {
    const which = mine();
    const free = places.free();
    if (which.length === 0 || free === undefined) return;
    const learn = places.claiming(free);
    const claimed = await store.claim(self.id, free, mostDeaths - 1, which === 'all' ? undefined : which);
    learn(claimed);
    for (const { id, fence, agent, isWoken } of claimed) unread.set(id, { fence, place: places.take(agent, isWoken) });
  };

  const wake = async (id: string, fence: number, place: Place): Promise<void> => {
    unread.delete(id);
    let entry: Running | undefined;
    try {
      const loaded = await store.load(id);
      if (loaded === undefined || loaded.fence !== fence || !mayRun()) return;
      const before = here.of(id);
      if (before !== undefined) here.stop(before, takenOver());
      entry = here.begin(loaded, place);
      if (loaded.deaths >= mostDeaths - 1) void acquit(entry);
    } catch (error) {
      log.error({ task: id, err: error }, 'a task could not be read');
      if (error instanceof StoreError) unread.set(id, { fence, place });
      else await setAside(id, fence);
    } finally {
      if (entry === undefined && !unread.has(id)) place.free();
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
    const news = store.news();
    if (news === 'none') return;
    const isTold = (id: string): boolean => news === 'some' || news.has(id);
    // Those that were here before the store was asked: what is begun meanwhile is not known to it yet.
    const before = here.all().filter(({ task }) => isTold(task.id));
    const owned = await store.owned(self.id);
    // First what was ended elsewhere: its calls are to be ended at once, however much else there is to hear.
    for (const entry of before) if (!owned.has(entry.task.id)) await stopLost(entry);
    for (const { run } of before) if (!run.isClosed) await deliver(run);
    await showWatched(isTold);
    await adopt();
  };

  const stopLost = async (entry: Running): Promise<void> => {
    if (entry.run.isClosed) return;
    const why = await whyLost(store, entry.task.id);
    if (!entry.run.isClosed) here.stop(entry, why);
  };

  /** The states of tasks that are watched here and do not run here. */
  const showWatched = async (isTold: (id: string) => boolean = () => true): Promise<void> => {
    for (const id of watchers.ids()) {
      if (!isTold(id) || here.of(id) !== undefined) continue;
      const task = await store.task(id);
      if (task !== undefined && here.of(id) === undefined) watchers.tell(id, { type: 'status', task });
    }
  };

  const deliver = async (run: Run): Promise<void> => {
    const { id } = run.task;
    run.heard(await store.sent(id));
    if (run.openQuestions === 0) return;
    for (const question of await store.questions(id))
      if (question.answer !== undefined) run.answered(question, question.answer);
    const task = await store.task(id);
    if (task !== undefined && !run.isClosed) here.changed(task);
  };

  const reach = async (id: string): Promise<void> => {
    const entry = here.of(id);
    await (entry === undefined ? adopt() : deliver(entry.run));
  };

  const expire = async (): Promise<void> => {
    const first = await store.expire(Date.now(), expired);
    for (let ids = first; ids.length > 0; ids = await store.expire(Date.now(), expired)) {
      await store.sync();
      for (const { run } of ids.flatMap((id) => here.of(id) ?? [])) await deliver(run);
    }
    if (first.length === 0) return;
    await showWatched();
    await adopt();
  };

  return { beat, adopt, takeOver, reach, readNews, expire };
}
