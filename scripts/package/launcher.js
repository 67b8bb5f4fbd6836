#!/usr/bin/env node
// Starts the program on a Node.js that can run it; an older one can still run this file, and says so.
import module from 'node:module';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
// By this name kubectl 1.26 and newer asks what may come next behind `kubectl netns-audit`.
if (basename(process.argv[1] ?? '').startsWith('kubectl_complete-')) process.argv.splice(2, 0, '__complete');

if (major > 22 || (major === 22 && minor >= 19)) {
  // Compiled code is kept between runs, which halves the time of short ones; in a folder of the user's own, as /tmp is everybody's.
  module.enableCompileCache?.(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'netns-audit'));
  await import('../program/netns-audit.js');
} else {
  process.stderr.write(
    `netns-audit needs Node.js 22.19 or newer, and this is ${process.versions.node}.\n` +
      '  Install a newer one, or use an archive of netns-audit, which includes Node.js.\n',
  );
  process.exitCode = 2;
}
