import {
  GetSecretValueCommand,
  InternalServiceError,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readSecret } from '../../lib/cluster/secret.ts';

const manager = mockClient(SecretsManagerClient);
afterEach(() => manager.reset());
afterAll(() => manager.restore());

const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:lab-AbCdEf';
const refusal = (httpStatusCode: number) => ({ message: 'no', $metadata: { httpStatusCode } });

describe('the secret of a cluster', () => {
  it('is its text', async () => {
    manager.on(GetSecretValueCommand, { SecretId: arn }).resolves({ SecretString: 'kind: Config' });
    expect(await readSecret(arn)).toBe('kind: Config');
  });

  it.each([
    ['Secrets Manager is in trouble', true, new InternalServiceError(refusal(500))],
    ['nothing answers', true, Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })],
    ['it is not there', false, new ResourceNotFoundException(refusal(400))],
    ['nobody is signed in', false, Object.assign(new Error('none'), { name: 'CredentialsProviderError' })],
  ])('where %s is worth another try: %s', async (_, retryable, error) => {
    manager.on(GetSecretValueCommand).rejects(error);
    await expect(readSecret(arn)).rejects.toMatchObject({ code: 'AWS', retryable });
  });

  it('must be text', async () => {
    manager.on(GetSecretValueCommand).resolves({ SecretBinary: new Uint8Array([1]) });
    await expect(readSecret(arn)).rejects.toMatchObject({
      code: 'AWS',
      remedy: expect.stringContaining('text'),
    });
  });
});
