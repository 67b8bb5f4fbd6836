/** Versions of functions: what a run invokes from its begin to its end. */
import { createHash } from 'node:crypto';
import { FileSystem, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type CfnFunction, type Function as LambdaFunction, Version } from 'aws-cdk-lib/aws-lambda';

/**
 * The version of a function as it is here, under an id that changes with its code and configuration.
 * CDK's `currentVersion` goes by the place of the code as well, but Lambda publishes nothing twice: the same code from
 * another bucket would fail to deploy.
 *
 * @param folder - its code
 */
export function versionOf(lambda: LambdaFunction, folder: string): Version {
  const own = lambda.node.defaultChild as CfnFunction;
  const configuration = [
    own.architectures,
    own.description,
    own.environment,
    own.handler,
    own.kmsKeyArn,
    own.loggingConfig,
    own.memorySize,
    own.role,
    own.runtime,
    own.timeout,
    own.tracingConfig,
    own.vpcConfig,
  ];
  const content = JSON.stringify([FileSystem.fingerprint(folder), Stack.of(lambda).resolve(configuration)]);
  return new Version(lambda, `Version${createHash('sha256').update(content).digest('hex').slice(0, 16)}`, {
    lambda,
    // Earlier ones stay, but not what a failed deployment leaves behind: it would stop the next one.
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
}
