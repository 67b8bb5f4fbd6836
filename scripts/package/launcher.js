#!/usr/bin/env node
// Starts the program on a Node.js that can run it; an older one can still run this file, and says so.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 19)) {
  await import('../program/netns-audit.js');
} else {
  process.stderr.write(
    `netns-audit needs Node.js 22.19 or newer, and this is ${process.versions.node}.\n` +
      '  Install a newer one, or take the archive of kubectl-netns_audit, which holds one.\n',
  );
  process.exitCode = 2;
}
