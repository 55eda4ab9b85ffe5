/** Who is told of new questions. The form of secrets is that of Standard Webhooks 1.0 (standardwebhooks.com). */
import type { WebhookConfig } from './config.ts';
import { valueOf, type Declared } from './declarations.ts';
import { isLoopback } from './hosts.ts';
import type { Problems } from './problem.ts';
import type { FileEntry } from './schema.ts';
import type { Place } from './source.ts';

const shortestSecret = 24;

export function resolveWebhooks(main: Declared<FileEntry>, problems: Problems): WebhookConfig[] {
  return (main.value.serve?.webhooks ?? []).map((webhook, index) => {
    const at = (key: string): Place => valueOf(main, 'serve', 'webhooks', index, key);
    const where = `serve.webhooks[${index}]`;
    const url = URL.parse(webhook.url);
    if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)))) {
      problems.error('E_VALUE', at('url'), `${where}.url must be an https URL`, {
        help: 'on this machine (localhost) http will do',
      });
    } else if (url.username !== '') {
      problems.error('E_VALUE', at('url'), `${where}.url holds a name and password`, {
        help: 'the receiver knows the sender by the signature: remove them',
      });
    }
    checkSecret(webhook.secret.trim(), `${where}.secret`, at('secret'), problems);
    return { url: webhook.url, secret: webhook.secret.trim() };
  });
}

function checkSecret(secret: string, where: string, place: Place, problems: Problems): void {
  const { source, span } = place;
  if (!source.text.slice(...span).includes('${')) {
    problems.error('E_SECRET', place, `${where} must be a reference, never the secret itself`, {
      help: 'write "${env:HOOK_SECRET}", and the secret into the environment',
    });
  } else if (bytesOf(secret) < shortestSecret) {
    problems.error('E_VALUE', place, `what ${where} refers to has fewer than ${shortestSecret} bytes`, {
      help: 'make one: echo "whsec_$(openssl rand -base64 32)"',
    });
  }
}

const bytesOf = (secret: string): number =>
  secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64').length : Buffer.byteLength(secret);
