/** Where the address and the credentials of a cluster come from. */
export type ClusterTarget =
  /** File (default: $KUBECONFIG, else ~/.kube/config) and context (default: the current one). */
  | { readonly kind: 'kubeconfig'; readonly file?: string; readonly context?: string }
  /** The text of a kubeconfig from a secret: commands in it are not run. */
  | { readonly kind: 'kubeconfig-text'; readonly text: string; readonly context?: string }
  | {
      readonly kind: 'eks';
      readonly name: string;
      readonly region: string;
      readonly roleArn?: string;
      readonly externalId?: string;
    };
