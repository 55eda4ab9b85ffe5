/** Who sits at this end: the owner of what is started from this command line, or through this process's stdin. */
import { UsageError } from '../errors.ts';

/** @param named what `--owner` says. @throws UsageError */
export function ownerHere(named = process.env['DEPUTY_OWNER']): string {
  if (named === undefined) return 'local';
  if (named.trim() === '' || named.length > 512) throw new UsageError('DEPUTY_OWNER and --owner need a name.');
  return named;
}
