/** Runs a function in transactions until one of them is committed. */
import type { WriteOptions } from '../database/keyspace.ts';
import type { Turn } from '../database/turn.ts';
import { LsmError } from '../errors.ts';
import { TRANSACT_ATTEMPTS } from '../limits.ts';
import type { Transaction, TransactionOptions } from './transaction.ts';

export interface TransactOptions extends TransactionOptions, WriteOptions {
  /** How often the function is run at most. Default 16. */
  readonly attempts?: number | undefined;
}

/** Rejects with what `run` throws, and where every attempt has met another's writes, with the last LsmError CONFLICT. */
export async function transact<T>(
  begin: () => Transaction,
  turn: Turn,
  run: (transaction: Transaction) => Promise<T> | T,
  options: TransactOptions,
): Promise<T> {
  const { attempts = TRANSACT_ATTEMPTS, sync } = options;
  if (!(attempts >= 1)) throw new RangeError('attempts must be 1 or more');
  for (let attempt = 1; ; attempt++) {
    const transaction = begin();
    try {
      const result = await run(transaction);
      await transaction.commit({ sync });
      return result;
    } catch (error) {
      const isConflict = error instanceof LsmError && error.code === 'CONFLICT';
      if (!isConflict || attempt >= attempts) throw error;
    } finally {
      transaction.rollback();
    }
    await turn.passed();
  }
}
