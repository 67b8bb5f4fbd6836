// `npm start` shows the demo; `npm start -- --context NAME` audits that cluster.
import { main } from './main.ts';

const given = process.argv.slice(2);
await main(given.length === 0 ? ['demo'] : ['audit', ...given]);
