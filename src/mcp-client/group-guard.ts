/**
 * Ends the process groups of our children when we die without a chance to do it ourselves (`kill -9`, out of memory).
 *
 * A `sh` that reads group ids from a pipe which only we hold: the pipe's end is our end. The script is fixed and the
 * ids are numbers, so nothing from outside reaches a shell. One guard serves every server of this process; it lives
 * while there is a group to guard. A child that left its group (setsid) is out of its reach.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

const script = `
trap '' INT TERM HUP
groups=' '
while read -r verb group; do
  case $verb in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
`;

let guard: ChildProcess | undefined;
const guarded = new Set<number>();

export function guardGroup(group: number): void {
  if (process.platform === 'win32') return;
  guarded.add(group);
  if (guard === undefined) start();
  else tell(`+ ${group}`);
}

export function unguardGroup(group: number): void {
  if (!guarded.delete(group)) return;
  tell(`- ${group}`);
  if (guarded.size > 0) return;
  guard?.stdin?.end();
  guard = undefined;
}

function start(): void {
  const started = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
  guard = started;
  const gone = (): void => {
    if (guard === started) guard = undefined;
  };
  // Without a shell there is no guard; the children still end with us on every orderly way out.
  started.once('error', gone).once('exit', gone);
  started.stdin.on('error', gone);
  started.unref();
  if (started.stdin instanceof Socket) started.stdin.unref();
  for (const group of guarded) tell(`+ ${group}`);
}

function tell(line: string): void {
  guard?.stdin?.write(`${line}\n`);
}
