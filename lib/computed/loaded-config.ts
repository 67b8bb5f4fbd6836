/** Which CNI configuration a runtime uses: the first in lexical order that it can load. */
import { byText } from '../model/by-text.ts';
import type { Sources } from '../model/evidence.ts';

type File = Sources['cniConfig']['files'][number];

/** Sorts as the runtimes do: by byte, not by locale. */
export function lexically(files: readonly File[]): File[] {
  return files.toSorted((a, b) => byText(a.name, b.name));
}

/** The configurations that can be loaded, in the runtime's order: it uses the first. */
export function loadableConfigs(cniConfig: Sources['cniConfig']): File[] {
  return lexically(cniConfig.files).filter(({ error }) => error === null);
}

/** Undefined when none can be loaded. */
export function loadedConfig(cniConfig: Sources['cniConfig']): File | undefined {
  return loadableConfigs(cniConfig)[0];
}
