/** The suites of the engine, on PostgreSQL. */
import { describe } from 'vitest';
import { engineContract } from './contract.ts';
import { enginesOn } from './engines.ts';
import { messageContract } from './messages.ts';
import { networkContract } from './networks.ts';
import { openEmpty, postgres } from './postgres.ts';
import { questionContract } from './questions.ts';
import { queueContract } from './queues.ts';
import { relayContract } from './relays.ts';
import { timerContract } from './timers.ts';
import { watchContract } from './watching.ts';

describe.skipIf(postgres === undefined)('on PostgreSQL', () => {
  const engines = enginesOn(openEmpty);
  engineContract(engines);
  watchContract(engines);
  questionContract(engines);
  timerContract(engines);
  relayContract(engines);
  messageContract(engines);
  queueContract(engines);
  networkContract(engines);
});
