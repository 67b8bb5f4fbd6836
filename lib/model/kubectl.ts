/** Which cluster a reader's kubectl acts on: a report is often read where kubectl points at another one. */
import type { RemedyStep } from './finding.ts';
import { command } from './shell.ts';

/** Options that make kubectl act on one cluster: `['--context', 'prod-eu']`. */
export type KubectlOptions = readonly string[];

/**
 * Options for a context of a kubeconfig; names the file only if it was chosen, as contexts of others may have
 * this name.
 */
export function kubectlOptions(kubeconfig: {
  readonly context: string;
  readonly file?: string | undefined;
}): KubectlOptions {
  const { context, file } = kubeconfig;
  return [...(file === undefined ? [] : ['--kubeconfig', file]), '--context', context];
}

/** Quoted text, which is left as it is, or a kubectl where a command begins. */
const IN_COMMAND = /'[^']*'|"(?:\\.|[^"\\])*"|(?<=(?:^|[|&;(])\s*)kubectl(?= )/g;
const IN_WORDS = /\bkubectl(?= [a-z])/g;

/**
 * The step with kubectl commands that act on this cluster, wherever they are pasted. Without a kubeconfig,
 * its text names the cluster.
 *
 * @param options - null if no kubeconfig was used, as by the functions on AWS
 */
export function onCluster(step: RemedyStep, cluster: string, options: KubectlOptions | null): RemedyStep {
  const { text, command: line } = step;
  const kubectl = options === null ? 'kubectl' : command('kubectl', ...options);
  let uses = IN_WORDS.test(text);
  IN_WORDS.lastIndex = 0;
  const inCommand = line?.replace(IN_COMMAND, (found) => {
    if (found !== 'kubectl') return found;
    uses = true;
    return kubectl;
  });
  const words = text.replace(IN_WORDS, () => kubectl);
  return {
    ...step,
    text: uses && options === null ? `On cluster ${cluster}: ${words}` : words,
    ...(inCommand === undefined ? {} : { command: inCommand }),
  };
}
