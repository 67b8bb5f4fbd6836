/** The order of test files. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Healthy first, as faults may leave something behind; the kernel log last: its messages stay for a day, and
 * other tests must not see any.
 */
const ORDER = [
  '/e2e/healthy.test.ts',
  '/e2e/rights.test.ts',
  '/e2e/functions.test.ts',
  '/e2e/resilience.test.ts',
  '/e2e/history.test.ts',
  '/e2e/remediate.test.ts',
  '/e2e/remediate-node.test.ts',
  '/e2e/remediate-restore.test.ts',
  '/e2e/remediate-reboot.test.ts',
  '/e2e/chart.test.ts',
  '/e2e/faults.test.ts',
  '/e2e/teardown.test.ts',
  '/e2e/kernel-log.test.ts',
];

export class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = (file: TestSpecification) => ORDER.findIndex((name) => file.moduleId.endsWith(name));
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
