/**
 * Which test runs in which project of Vitest (vitest.config.ts). A test that no list names is a unit test:
 * pure, and fast.
 */

/** Real machines: namespaces of this one, and a cluster. */
export const LAB = 'test/lab/**/*.test.ts';
/** Packs and installs: minutes. */
export const PACKAGE = 'test/package/**/*.test.ts';
export const E2E = 'test/e2e/**/*.test.ts';

/** Tests that start a server, a process or a browser, or synthesize the stack. */
export const INTEGRATION: readonly string[] = [
  'test/aws/**/*.test.ts',
  'test/bin/**/*.test.ts',
  'test/cluster/**/*.test.ts',
  'test/infra/**/*.test.ts',
  'test/scripts/**/*.test.ts',
  // Tests with killed processes and attacked threads.
  'test/crash/**/*.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/audit/hostile-node.test.ts',
  'test/audit/hostile-kubelet.test.ts',
  'test/package.test.ts',
  // Runs actionlint.
  'test/github.test.ts',
  // The API server of test/stub.
  'test/audit/audit-cluster.test.ts',
  'test/audit/canary.test.ts',
  'test/audit/cross-nodes.test.ts',
  'test/audit/dns-endpoints.test.ts',
  'test/audit/fleet/*.test.ts',
  'test/audit/judge.test.ts',
  'test/audit/rename-evidence.test.ts',
  'test/audit/node-cni-records.test.ts',
  'test/audit/reboot-node.test.ts',
  'test/audit/release-allocations.test.ts',
  'test/audit/recreate-bare.test.ts',
  'test/audit/remediate.test.ts',
  'test/audit/repair-node.test.ts',
  'test/audit/restart-agent.test.ts',
  // Clients of AWS, with a server or a mock.
  'test/alert/finding-importer.test.ts',
  'test/alert/notifier*.test.ts',
  'test/alert/event-bus.test.ts',
  // Faults of end-to-end tests, which can start programs.
  'test/coverage.test.ts',
  // Run helm and promtool.
  'test/deploy/chart-rendered.test.ts',
  'test/deploy/promtool.test.ts',
  // A shell, as a runner of GitHub starts it.
  'test/deploy/github-action.test.ts',
  // Servers of HTTP and SMTP.
  'test/alert/destinations.test.ts',
  'test/history/query.test.ts',
  // Pipes, made by a program.
  'test/history/directory.test.ts',
  'test/history/s3*.test.ts',
  // A shell runs the commands of a remedy, or reads the script of the probe.
  'test/checks/namespaces/namespace-orphaned.test.ts',
  'test/checks/namespaces/namespace-pin-invalid.test.ts',
  'test/checks/remedies/raise-limits.test.ts',
  'test/model/raised-limits.test.ts',
  'test/probe/pod-manifest.test.ts',
  'test/repair/plan.test.ts',
  // Seconds to minutes: the maximum that hostile nodes and fleets may print.
  'test/**/large.test.ts',
  'test/probe/hostile-sizes.test.ts',
  // A browser, and programs that read reports.
  'test/report/fleet.test.ts',
  'test/report/html.test.ts',
  'test/report/writers.test.ts',
];
