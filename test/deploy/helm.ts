/** helm, from $HELM or the PATH (scripts/install-test-tools.sh puts one there). */
import { spawnSync } from 'node:child_process';

export const helm = process.env.HELM ?? 'helm';

/** False if there is none: tests that need it are skipped, and say so. */
export const hasHelm = spawnSync(helm, ['version'], { stdio: 'ignore' }).status === 0;
if (!hasHelm)
  console.warn(
    '\n*** helm is not installed: the tests of the chart are SKIPPED (scripts/install-test-tools.sh) ***\n',
  );
