import { createHash } from 'node:crypto';

/** sha256 in hex of `text` as UTF-8. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
