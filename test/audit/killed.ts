import { DirectoryStore } from '../../lib/history/index.ts';

/** The state after a kill: the begin is recorded, the end is not. */
export function storeOfTheKilled(directory: string): DirectoryStore {
  const store = new DirectoryStore(directory);
  const put = store.putOnce.bind(store);
  store.putOnce = async (key, body) => {
    if (key.endsWith('-begun.json')) return await put(key, body);
    throw new Error('killed');
  };
  return store;
}
