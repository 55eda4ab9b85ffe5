/**
 * Texts that callers choose may hold what PostgreSQL's `text` cannot (NUL, half a surrogate pair). Those are stored as
 * JSON behind a mark; all others as they are.
 */
const mark = '\u{feff}';

export const textIn = (text: string): string =>
  text.includes('\0') || !text.isWellFormed() || text.startsWith(mark) ? `${mark}${JSON.stringify(text)}` : text;

export const textOut = (text: string): string =>
  text.startsWith(mark) ? (JSON.parse(text.slice(mark.length)) as string) : text;
