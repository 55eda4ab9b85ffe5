/** The suites of every store, on PostgreSQL. */
import { describe } from 'vitest';
import { openEmpty, postgres } from './postgres.ts';
import { claimContract } from './store-claim.ts';
import { storeContract } from './store-contract.ts';
import { networkStoreContract } from './store-networks.ts';
import { questionStoreContract } from './store-questions.ts';

describe.skipIf(postgres === undefined)('a store on PostgreSQL', () => {
  storeContract(openEmpty);
  questionStoreContract(openEmpty);
  claimContract(openEmpty);
  networkStoreContract(openEmpty);
});
