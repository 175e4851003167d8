// Writes .br and .gz versions of each built file and removes the original: the program serves the compressed files directly.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const icons = new URL('../node_modules/@grafana/ui/dist/public/img/icons/', import.meta.url).pathname;

mkdirSync(join(dist, 'public/build/img'), { recursive: true });
cpSync(icons, join(dist, 'public/build/img/icons'), { recursive: true });
// @grafana/ui requests these icons by names that are missing in its own set.
cpSync(join(icons, 'unicons/sync.svg'), join(dist, 'public/build/img/icons/unicons/spinner.svg'));
cpSync(join(icons, 'unicons/angle-left.svg'), join(dist, 'public/build/img/icons/unicons/angle-double-left.svg'));
copyFonts();

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

/** Copies the fonts to the names that Grafana's styles use. */
function copyFonts() {
  const from = (name) => new URL(`../node_modules/@fontsource/${name}.woff2`, import.meta.url).pathname;
  const fonts = {
    'inter/Inter-Regular': 'inter/files/inter-latin-400-normal',
    'inter/Inter-Medium': 'inter/files/inter-latin-500-normal',
    'inter/Inter-Italic': 'inter/files/inter-latin-400-italic',
    'inter/Inter-MediumItalic': 'inter/files/inter-latin-500-italic',
    'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ': 'roboto-mono/files/roboto-mono-latin-400-normal',
  };
  for (const [to, source] of Object.entries(fonts)) {
    cpSync(from(source), join(dist, `public/fonts/${to}.woff2`));
  }
}
