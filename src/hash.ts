import { hash } from 'node:crypto';

/** sha256 in hex of `text` as UTF-8. */
export const sha256 = (text: string): string => hash('sha256', text);
