#!/usr/bin/env node
// Starts the command line on a Node.js that can run it. Older versions still start this file, so it can say so,
// or use the Node.js that `npm ci` installed in the project.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants, homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('./netns-audit.ts', import.meta.url));
const own = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
// Keeps compiled code between runs, which halves the time of short ones; in the user's own folder, as /tmp is shared.
const compiled = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'netns-audit');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
// kubectl 1.26 and newer calls this name to complete `kubectl netns-audit`.
if (basename(process.argv[1] ?? '').startsWith('kubectl_complete-')) process.argv.splice(2, 0, '__complete');

if (major > 22 || (major === 22 && minor >= 19)) {
  module.enableCompileCache?.(compiled);
  await import(main);
} else if (existsSync(own)) {
  const child = spawn(own, [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: compiled, ...process.env },
  });
  // Ctrl-C also reaches the child, which removes its pods; we wait for that.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  // A child killed by a signal has removed nothing, unlike the 130 of an interrupted run.
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? 128 + (constants.signals[signal] ?? 0);
  });
} else {
  console.error(
    `netns-audit needs Node.js 22.19 or newer, and this is ${process.versions.node}.\n` +
      'Run `npm ci` without --omit=optional in the project folder (it brings Node.js 24 on Linux), or install a newer one.',
  );
  process.exitCode = 2;
}
