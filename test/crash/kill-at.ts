/**
 * Loaded before a program (`node --import`): kills it with SIGKILL at the Nth step that leaves the process:
 * before and after each operation on a file below CRASH_FOLDER, each request, each answer. Without CRASH_AT
 * it writes the number of steps.
 */
import { channel } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env.CRASH_AT ?? 0);
const folder = process.env.CRASH_FOLDER ?? '/nowhere';
const steps: string[] = [];

function step(what: string): void {
  steps.push(what);
  if (steps.length === at) process.kill(process.pid, 'SIGKILL');
}

type Operation = (...args: unknown[]) => Promise<unknown>;
const operations = promises as unknown as Record<string, Operation>;
const handles = new WeakSet<object>();

/** Operations of an open file: write, sync and close. */
function counted(handle: Record<string, Operation>, path: string): void {
  if (handles.has(handle)) return;
  handles.add(handle);
  for (const name of ['writeFile', 'sync', 'close']) {
    const original = handle[name]?.bind(handle);
    if (original === undefined) continue;
    handle[name] = async (...args) => {
      step(`before ${name} ${path}`);
      const result = await original(...args);
      step(`after ${name} ${path}`);
      return result;
    };
  }
}

for (const name of [
  'open',
  'rename',
  'rm',
  'mkdir',
  'readdir',
  'link',
  'writeFile',
  'readFile',
  'stat',
  'unlink',
]) {
  const original = operations[name];
  if (original === undefined) continue;
  operations[name] = async (...args) => {
    const path = String(args[0]);
    if (!path.startsWith(folder)) return await original(...args);
    step(`before ${name} ${path}`);
    const result = await original(...args);
    if (name === 'open') counted(result as Record<string, Operation>, path);
    step(`after ${name} ${path}`);
    return result;
  };
}
syncBuiltinESMExports();

for (const name of ['undici:request:create', 'undici:request:headers', 'undici:request:trailers'])
  channel(name).subscribe((message) => {
    const { request } = message as { request: { method: string; path: string } };
    step(`${name.split(':')[2]} ${request.method} ${request.path.slice(0, 80)}`);
  });

const told = process.env.CRASH_STEPS;
if (told !== undefined) process.on('exit', () => writeFileSync(told, JSON.stringify(steps)));
