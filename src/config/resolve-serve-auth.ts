/** Who may call over HTTP. */
import type { AuthConfig } from './config.ts';
import { keyOf, valueOf, type Declared } from './declarations.ts';
import type { Problems } from './problem.ts';
import type { FileEntry } from './schema.ts';
import { spotAt } from './spot.ts';

/** Guessing is hopeless from here on. */
const shortestKey = 16;

export function resolveServeAuth(main: Declared<FileEntry>, problems: Problems): AuthConfig | undefined {
  const auth = main.value.serve?.auth;
  if (auth === undefined) return undefined;
  const { issuer, audience, scope, keys = {} } = auth;
  const at = (...path: string[]) => valueOf(main, 'serve', 'auth', ...path);

  // A key whose variable is not set has been complained about.
  if (issuer === undefined && spotAt(main.spot, ['serve', 'auth', 'keys']).spot.children.size === 0) {
    problems.error('E_VALUE', keyOf(main, 'serve', 'auth'), 'serve.auth lets nobody in', {
      help: 'give it keys: { alice: "${env:ALICE_KEY}" }, or an issuer and an audience',
    });
  }
  if ((issuer === undefined) !== (audience === undefined)) {
    const [has, lacks] = issuer === undefined ? ['audience', 'issuer'] : ['issuer', 'audience'];
    problems.error('E_MISSING', keyOf(main, 'serve', 'auth', has), `serve.auth.${has} needs ${lacks} beside it`, {
      help: 'a token is taken only from one issuer, and only where it is for this server',
    });
  }
  if (scope !== undefined && issuer === undefined) {
    problems.error('E_VALUE', keyOf(main, 'serve', 'auth', 'scope'), 'serve.auth.scope is about tokens of an issuer');
  }
  if (issuer !== undefined && !isIssuer(issuer)) {
    problems.error('E_VALUE', at('issuer'), `serve.auth.issuer must be an https URL, not ${quoted(issuer)}`, {
      help: 'on this machine (localhost) http will do',
    });
  }
  for (const [owner, key] of Object.entries(keys)) checkKey(main, owner, key, problems);
  return {
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
    ...(scope !== undefined && { scope }),
    keys: Object.entries(keys).map(([owner, key]) => ({ owner, key })),
  };
}

function checkKey(main: Declared<FileEntry>, owner: string, key: string, problems: Problems): void {
  const where = `serve.auth.keys.${owner}`;
  const place = valueOf(main, 'serve', 'auth', 'keys', owner);
  // Owners of tokens are `issuer#subject`: no key may be called like one.
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(owner)) {
    problems.error('E_NAME', keyOf(main, 'serve', 'auth', 'keys', owner), `${quoted(owner)} is no name of an owner`, {
      help: 'up to 64 letters, digits, ".", "_", "-" and "@"',
    });
  }
  const { source, span } = place;
  if (!source.text.slice(...span).includes('${')) {
    problems.error('E_SECRET', place, `${where} must be a reference, never the key itself`, {
      help: `write "\${env:${owner.toUpperCase().replaceAll(/\W/g, '_')}_KEY}", and a key of your own into the environment`,
    });
  } else if (key.length < shortestKey || !/^[A-Za-z0-9\-._~+/]+=*$/.test(key)) {
    problems.error('E_VALUE', place, `what ${where} refers to is no key that can be sent and not guessed`, {
      help: `at least ${shortestKey} letters and digits, such as from: openssl rand -hex 32`,
    });
  }
}

function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return false;
  return (
    url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname))
  );
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 60));
