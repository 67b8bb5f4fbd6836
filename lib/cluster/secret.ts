/** The kubeconfig of a cluster that is not EKS, from Secrets Manager. */
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';

/** @throws AuditError AWS */
export async function readSecret(arn: string): Promise<string> {
  const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  const region = arn.split(':')[3];
  const client = new SecretsManagerClient(region ? { region } : {});
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
    if (SecretString !== undefined) return SecretString;
  } catch (error) {
    throw new AuditError('AWS', `secret ${arn}: ${messageOf(error)}`, {
      cause: error,
      retryable: isTransientOfAws(error),
      remedy:
        'Check that it exists, and that the role may use secretsmanager:GetSecretValue and its KMS key.',
    });
  } finally {
    client.destroy();
  }
  throw new AuditError('AWS', `secret ${arn} is binary`, { remedy: 'Store the kubeconfig as text.' });
}
