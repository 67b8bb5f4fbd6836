#!/usr/bin/env node
import { main } from './main.ts';

// Whoever reads the report may leave early (`| head`): the run goes on, and its report is still kept.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main(process.argv.slice(2));
