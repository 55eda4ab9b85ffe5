import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, redact, redacted, silentLog } from '../src/log.ts';

class Captured extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const flushed = (stream: Captured): Promise<string> =>
  new Promise((resolve) => setImmediate(() => resolve(stream.text)));

test('lines go to stderr, never to stdout', () => {
  const script = `import { createLog } from './src/log.ts'; createLog('info').info({ a: 1 }, 'hello');`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(JSON.parse(stderr)).toMatchObject({ a: 1, msg: 'hello' });
});

test('a host that closed our stderr does not end us', () => {
  const script = `import { createLog } from './src/log.ts';
    const log = createLog('info'); const end = setInterval(() => log.info('x'.repeat(9999)), 1);
    setTimeout(() => { clearInterval(end); console.log('alive'); }, 200);`;
  const line = `"$0" --input-type=module -e "$1" 2>&1 >&3 | true`;
  const { stdout } = spawnSync('bash', ['-c', `exec 3>&1; ${line}`, process.execPath, script], { encoding: 'utf8' });
  expect(stdout).toBe('alive\n');
});

test('a resolved secret is blotted out in every form that it may take', async () => {
  const secret = 'pä"ss\\w0rd/+?& !';
  redact(secret);
  const stream = new Captured();
  const log = createLog('info', stream);
  const forms = {
    plain: `key=${secret};`,
    error: new Error(`refused ${secret}`),
    nested: { list: [secret] },
    json: JSON.stringify({ secret }),
    url: `https://host/?q=${encodeURIComponent(secret)}`,
    lower: encodeURIComponent(secret).replaceAll(/%../g, (hex) => hex.toLowerCase()),
    form: new URLSearchParams({ secret }).toString(),
    hex: Buffer.from(secret).toString('hex'),
    base64: Buffer.from(secret).toString('base64'),
    base64url: Buffer.from(secret).toString('base64url'),
    basic: Buffer.from(`user:${secret}`).toString('base64'),
    basic2: Buffer.from(`me2:${secret}:x`).toString('base64'),
    basic3: Buffer.from(`joe12:${secret}`).toString('base64'),
  };
  log.info({ err: forms.error, ...forms }, `message with ${secret}`);
  const line = await flushed(stream);
  const logged = JSON.parse(line) as Record<string, unknown>;
  for (const form of Object.keys(forms).filter((name) => name !== 'error'))
    expect(JSON.stringify(logged[form]), form).toContain('[redacted]');
  expect(logged['msg']).toBe('message with [redacted]');
  expect(line).not.toContain('w0rd');
});

test('base64 is blotted out wherever the secret stands in what was encoded', () => {
  const secret = 'sk-test-0123456789';
  redact(secret);
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (before, behind) => {
      const shown = redacted(Buffer.from(before + secret + behind).toString('base64'));
      expect(shown).toContain('[redacted]');
      expect(Buffer.from(shown.replace('[redacted]', ''), 'base64').toString()).not.toContain('0123456');
    }),
  );
});

test('a secret that begins another one leaves nothing of it', () => {
  redact('shared-prefix');
  redact('shared-prefix-and-more');
  expect(redacted('<shared-prefix-and-more>')).toBe('<[redacted]>');
});

test('values under eight characters are left alone', () => {
  redact('seven77');
  redact('');
  expect(redacted('seven77')).toBe('seven77');
});

test('what a child of the log is bound to is blotted out as well', async () => {
  redact('bound-secret-value');
  const stream = new Captured();
  createLog('info', stream).child({ header: 'Bearer bound-secret-value', server: 'files' }).warn('slow');
  expect(JSON.parse(await flushed(stream))).toMatchObject({
    header: 'Bearer [redacted]',
    server: 'files',
    msg: 'slow',
  });
});

test('a terminal gets lines for people, redacted too; anything else gets JSON', async () => {
  redact('terminal-secret');
  const terminal = Object.assign(new Captured(), { isTTY: true });
  createLog('info', terminal).info({ key: 'terminal-secret' }, 'started');
  await expect.poll(() => terminal.text).toContain('started');
  expect(terminal.text).toContain('INFO');
  expect(terminal.text).not.toContain('{"level"');
  expect(terminal.text).not.toContain('terminal-secret');
});

test('levels below the chosen one say nothing', async () => {
  const stream = new Captured();
  const log = createLog('warn', stream);
  log.info('quiet');
  log.warn('loud');
  silentLog.error('nothing');
  expect((await flushed(stream)).trim().split('\n')).toHaveLength(1);
});
