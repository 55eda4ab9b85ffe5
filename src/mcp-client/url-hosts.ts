/** Pages that a server may send a person to: only on hosts that its operator named, only https. */

/**
 * @param hosts `name` exactly, or `*.name` for all below it
 * @returns the whole address, in the form in which hosts are compared (`xn--`); or why nobody is sent there.
 */
export function allowedPage(address: unknown, hosts: readonly string[]): { href: string } | { fault: string } {
  if (typeof address !== 'string' || address.length > longest || !URL.canParse(address))
    return { fault: 'its address is none' };
  const url = new URL(address);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    return { fault: `its address is not https but ${url.protocol.slice(0, 20)}` };
  if (url.username !== '' || url.password !== '') return { fault: 'its address carries a user name' };
  if (!hosts.some((pattern) => covers(pattern.toLowerCase(), url.hostname)))
    return { fault: `the host ${url.hostname} is not one that this server may send people to` };
  return { href: url.href };
}

/** Characters. */
const longest = 2_048;

const covers = (pattern: string, host: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 : host === pattern;

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
