/** Headers that no HTTP client would send (RFC 9110, sections 5.1 and 5.5). */
import { keyOf, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';

export function refuseHeaders(
  declared: Declared<{ headers?: Record<string, string> | undefined }>,
  problems: Problems,
): void {
  for (const [header, value] of Object.entries(declared.value.headers ?? {})) {
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(header) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)) continue;
    problems.error(
      'E_VALUE',
      keyOf(declared, 'headers', header),
      `${JSON.stringify(header)} is no header that can be sent`,
      {
        help: 'names hold no spaces or colons, values no line breaks',
      },
    );
  }
}
