import { defineConfig } from 'vitest/config';
import { InOrder } from './test/e2e/sequencer.ts';
import { E2E, INTEGRATION, LAB, PACKAGE } from './test/projects.ts';

const TEMPORARY_FOLDER = 'test/temporary-folder.ts';

export default defineConfig({
  test: {
    sequence: { sequencer: InOrder },
    // Many tests wait for processes and servers. By default, a machine of two cores would run one file at a time.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          globalSetup: [TEMPORARY_FOLDER],
          include: ['test/**/*.test.ts'],
          exclude: [LAB, E2E, PACKAGE, ...INTEGRATION],
          // Pure tests leave nothing behind for the next, and most of their time is to load what they import.
          isolate: false,
          // The first test of a file may wait for large clients to load, long on a busy machine.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          globalSetup: [TEMPORARY_FOLDER],
          include: [...INTEGRATION],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'lab',
          globalSetup: [TEMPORARY_FOLDER],
          include: [LAB],
          testTimeout: 60_000,
          // Nodes are built in hooks.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'package',
          include: [PACKAGE],
          globalSetup: [TEMPORARY_FOLDER, 'test/package/setup.ts'],
          // Packages are installed and removed, in CI beside the end-to-end tests.
          hookTimeout: 240_000,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: [E2E],
          globalSetup: [TEMPORARY_FOLDER, 'test/e2e/setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
