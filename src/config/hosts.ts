/** Names of hosts. */

/** `agents.example`, `agents.example:8443`, `[::1]`. */
export const isHost = (text: string): boolean =>
  /^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(text);

export const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '::1', '[::1]'].includes(host);
