/**
 * What is fetched to check a token: by https (http only on this machine), without following anybody elsewhere, bounded
 * in time and size. The addresses come from an issuer's own documents: they are checked like any input.
 */
const longestMs = 5_000;
const mostBytes = 256 * 1024;

/** @throws Error it is no address that may be fetched. */
export function webAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new Error(`${JSON.stringify(text)} is no URL`);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal)) throw new Error(`${text} must be https`);
  if (url.username !== '' || url.password !== '') throw new Error('a URL must not hold a password');
  return url;
}

/** @throws Error it is not there, not JSON, too long, too late, or elsewhere. */
export async function fetchJson(url: URL): Promise<unknown> {
  const response = await fetch(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(longestMs),
    headers: { accept: 'application/json' },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`HTTP ${response.status}`);
  }
  let text = '';
  let size = 0;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > mostBytes) throw new Error(`longer than ${mostBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return JSON.parse(text + decoder.decode());
}
