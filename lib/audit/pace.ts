/** How long the steps of a reboot, and of recreating a bare pod, may take, in milliseconds. */
export type Pace = typeof PACE;

export const PACE = {
  /** As long as `kubectl drain` in the commands of findings. */
  drain: 600_000,
  /** Beside its grace period, until a pod that is being deleted counts as one that the kernel holds. */
  stuck: 120_000,
  /** systemd gives every unit a minute and a half to stop, some longer, and large servers take minutes to start. */
  boot: 1_200_000,
  /** Until pods of DaemonSets are there again, an audit may find what they still have to do. */
  order: 300_000,
  /** Until a bare pod is gone (beside its grace period), until its successor is created, and until that is ready. */
  create: 180_000,
  /** Between two looks at the API. */
  pause: 5_000,
  /** Between two audits. */
  look: 20_000,
};
