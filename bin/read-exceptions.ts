/** Exceptions from a file: netns-audit.yaml, or only its part `exceptions`. */
import { z } from 'zod';
import { readPart } from '../lib/config/read.ts';
import { exceptionsFor } from '../lib/diagnosis/exceptions.ts';
import { type Exception, exceptionsSchema } from '../lib/model/exception.ts';
import { printable } from '../lib/model/printable.ts';

const fileSchema = z.looseObject({ exceptions: exceptionsSchema });

/** @throws AuditError CONFIG_INVALID that names the file and each mistake in it. */
export function readExceptions(file: string | undefined): Exception[] {
  if (file === undefined) return [];
  return readPart(file, fileSchema, 'docs/exceptions.md has an example').exceptions;
}

/** Warns on standard error if none is for the cluster: on the command line its name is the context or EKS cluster. */
export function noteOtherClusters(exceptions: readonly Exception[], cluster: string): void {
  if (exceptions.length === 0 || exceptionsFor(exceptions, cluster).length > 0) return;
  const name = printable(cluster, 300);
  process.stderr.write(
    `No exception is for this cluster, which is named ${name} here: see their clusters.\n`,
  );
}
