#!/usr/bin/env node
import { main } from './main.ts';

// The reader of the report may leave early (`| head`): the run goes on, and still keeps its report.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main(process.argv.slice(2));
