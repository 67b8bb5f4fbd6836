/** `namespace/name`, as Kubernetes names an object; only the name of one that is in no namespace. */
export function namespacedName({
  namespace,
  name,
}: {
  readonly namespace?: string | undefined;
  readonly name: string;
}): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
