/** The order of test files. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What the kernel log was told stays there for a day: the test that writes it comes last, after those that want none. */
export class KernelLogLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const writesLog = (file: TestSpecification) => Number(file.moduleId.endsWith('/e2e/kernel-log.test.ts'));
    return (await super.sort(files)).sort((a, b) => writesLog(a) - writesLog(b));
  }
}
