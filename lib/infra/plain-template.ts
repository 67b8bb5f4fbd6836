/** The stack as a template that CloudFormation accepts as is: deploying it needs no bootstrapped region and no CDK. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  App,
  CfnParameter,
  type DockerImageAssetLocation,
  type Environment,
  type FileAssetLocation,
  type FileAssetSource,
  type IStackSynthesizer,
  type ISynthesisSession,
  type Stack,
  StackSynthesizer,
} from 'aws-cdk-lib';
import * as z from 'zod';
import type { Config } from '../model/config.ts';
import { addStack } from './app.ts';

export type PlainTemplate = {
  /** The template as JSON text. */
  readonly template: string;
  /** The code folder of each function, by the archive name that the template asks for. */
  readonly code: ReadonlyMap<string, string>;
  /** Warnings of the synthesis. */
  readonly warnings: readonly string[];
};

/**
 * @param env - if empty, CloudFormation decides account and region of access entries
 * @throws Error when the stack breaks a rule of the app
 */
export function plainTemplate(config: Config, env: Environment = {}): PlainTemplate {
  const outdir = mkdtempSync(join(tmpdir(), 'netns-auditor-template-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')));
  const synthesizer = new CodeByParameters();
  const app = new App({ outdir, context, analyticsReporting: false });
  // Its declaration predates exactOptionalPropertyTypes.
  addStack(app, config, { synthesizer: synthesizer as IStackSynthesizer, env });
  const [stack] = app.synth().stacks;
  return {
    template: `${JSON.stringify(stack?.template, null, 1)}\n`,
    code: new Map([...synthesizer.code].map(([name, folder]) => [name, join(outdir, folder)])),
    warnings: (stack?.messages ?? []).map(({ entry }) => String(entry.data)),
  };
}

/** Locates the functions' code by two parameters, as its place is not known yet. */
class CodeByParameters extends StackSynthesizer {
  readonly code = new Map<string, string>();
  #location: { bucketName: string; prefix: string } | null = null;

  override bind(stack: Stack): void {
    super.bind(stack);
    const bucket = new CfnParameter(stack, 'CodeBucket', {
      description: 'Bucket, of the region of the stack, with the archives of code/',
      allowedPattern: '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]',
    });
    const prefix = new CfnParameter(stack, 'CodePrefix', {
      description: 'What their keys begin with, such as netns-auditor/; nothing where they lie at the top',
      default: '',
    });
    this.#location = { bucketName: bucket.valueAsString, prefix: prefix.valueAsString };
  }

  override addFileAsset({ sourceHash, fileName }: FileAssetSource): FileAssetLocation {
    if (this.#location === null || fileName === undefined)
      throw new Error('an asset without a stack or a file');
    const name = `${sourceHash}.zip`;
    this.code.set(name, fileName);
    const { bucketName, prefix } = this.#location;
    const objectKey = `${prefix}${name}`;
    const httpUrl = `https://s3.amazonaws.com/${bucketName}/${objectKey}`;
    return { bucketName, objectKey, httpUrl, s3ObjectUrl: `s3://${bucketName}/${objectKey}` };
  }

  override addDockerImageAsset(): DockerImageAssetLocation {
    throw new Error('no function is an image');
  }

  override synthesize(session: ISynthesisSession): void {
    this.synthesizeTemplate(session);
    this.emitArtifact(session);
  }
}
