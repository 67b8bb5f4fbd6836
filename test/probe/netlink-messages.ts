/** Messages of netlink(7) as a little-endian kernel writes them. */

export const little = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, byte) => (value >>> (8 * byte)) & 0xff);
const padded = (bytes: readonly number[]): number[] => [...bytes, ...Array(-bytes.length & 3).fill(0)];
export const attribute = (type: number, value: readonly number[]): number[] =>
  padded([...little(value.length + 4, 2), ...little(type, 2), ...value]);
export const message = (sequence: number, type: number, body: readonly number[]): number[] =>
  padded([
    ...little(body.length + 16, 4),
    ...little(type, 2),
    ...little(2, 2),
    ...little(sequence, 4),
    ...little(0, 4),
    ...body,
  ]);
export const done = (sequence: number): number[] => message(sequence, 3, little(0, 4));
/** A name, ended as in C. */
export const name = (text: string): number[] => [...new TextEncoder().encode(text), 0];
