// Adds the npm packages that the UI was built from to the CycloneDX list of a program's Go modules, and takes out what
// differs from one build to the next.
//
//   node sbom.mjs FILE WEBDIR EPOCH
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const [file, web, epoch] = process.argv.slice(2);
const list = JSON.parse(readFileSync(file, 'utf8'));
const npm = JSON.parse(
  execFileSync('npm', ['sbom', '--package-lock-only', '--omit=dev', '--sbom-format=cyclonedx'], { cwd: web, maxBuffer: 1 << 28 }),
);
const packages = npm.components.map(({ type, name, group, version, purl, licenses, hashes }) => {
  return { 'bom-ref': purl, type, group, name, version, purl, hashes, licenses };
});
list.components = [...(list.components ?? []), ...packages].sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
delete list.serialNumber;
list.metadata.timestamp = new Date(Number(epoch) * 1000).toISOString();
writeFileSync(file, JSON.stringify(list, null, 2) + '\n');
