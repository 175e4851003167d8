// Writes .br and .gz beside each built file and removes the plain one: the program serves them as they are.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const icons = new URL('../node_modules/@grafana/ui/dist/public/img/icons/', import.meta.url).pathname;

mkdirSync(join(dist, 'public/build/img'), { recursive: true });
cpSync(icons, join(dist, 'public/build/img/icons'), { recursive: true });

let plain = 0;
let small = 0;
for (const file of walk(join(dist, 'public'))) {
  if (/\.(br|gz|map)$/.test(file)) {
    continue;
  }
  const content = readFileSync(file);
  const br = brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  });
  writeFileSync(`${file}.br`, br);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  rmSync(file);
  plain += content.length;
  small += br.length;
}
console.log(`compressed: ${(plain / 1e6).toFixed(2)} MB → ${(small / 1e6).toFixed(2)} MB (brotli)`);

function* walk(dir) {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (statSync(path).isDirectory()) {
      yield* walk(path);
    } else {
      yield path;
    }
  }
}
