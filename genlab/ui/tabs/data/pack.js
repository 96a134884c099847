// Files and whole folders as one zip, stored as they are, so that their folders come along: PKWARE's APPNOTE 6.3, without ZIP64.

const crcs = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc(bytes) {
  let sum = -1;
  for (const byte of bytes) sum = crcs[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

// Numbers as little-endian bytes: fields([value, size], …).
function fields(...pairs) {
  return new Uint8Array(pairs.flatMap(([value, size]) => Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 255)));
}

/** A zip of { file, path }; `watch` hears of each. */
export async function packed(given, name, watch) {
  const bodies = [], directory = [];
  let at = 0;
  for (const [i, { file, path }] of given.entries()) {
    watch(i, file.name);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const title = new TextEncoder().encode(path), day = new Date(file.lastModified);
    const time = (day.getHours() << 11) | (day.getMinutes() << 5) | (day.getSeconds() >> 1);
    const date = (Math.max(0, day.getFullYear() - 1980) << 9) | ((day.getMonth() + 1) << 5) | day.getDate();
    const facts = fields([20, 2], [0x800, 2], [0, 2], [time, 2], [date, 2], [crc(bytes), 4], [bytes.length, 4], [bytes.length, 4], [title.length, 2], [0, 2]);
    bodies.push(fields([0x04034b50, 4]), facts, title, file); // the file stays on its disk
    directory.push(fields([0x02014b50, 4], [20, 2]), facts, fields([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]), title);
    at += 30 + title.length + bytes.length;
  }
  const size = directory.reduce((sum, piece) => sum + piece.length, 0), n = given.length;
  const end = fields([0x06054b50, 4], [0, 4], [n, 2], [n, 2], [size, 4], [at, 4], [0, 2]);
  return new File([...bodies, ...directory, end], `${name}.zip`, { type: "application/zip" });
}

/** All files in what was dropped, as { file, path }. */
export async function dropped(items) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  return (await Promise.all(entries.map(inside))).flat();
}

async function inside(entry) {
  if (entry.isFile) return [{ file: await new Promise((...ends) => entry.file(...ends)), path: entry.fullPath.replace(/^\//, "") }];
  const reader = entry.createReader(), found = [];
  for (let some; (some = await new Promise((...ends) => reader.readEntries(...ends))).length; ) found.push(...some); // a hundred at a time
  return (await Promise.all(found.map(inside))).flat();
}
