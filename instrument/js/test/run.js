// Runs the tests with Node's runner. Without arguments it prints them; with those of Vitest that tools/testsum passes,
// --reporter=json --outputFile=FILE, it writes a report of the same form. Other arguments are the files to run.
import { readdirSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { inspect, parseArgs } from 'node:util';

const build = resolve(import.meta.dirname, '../build');
const { values, positionals } = parseArgs({
  options: { reporter: { type: 'string' }, outputFile: { type: 'string' } },
  allowPositionals: true,
});
const files = positionals.length > 0 ? positionals.map((file) => resolve(file)) : tests();

function tests() {
  const found = readdirSync(build).filter((name) => name.endsWith('.test.js'));
  if (found.length === 0) {
    throw new Error(`no tests in ${build}`);
  }
  return found.map((name) => resolve(build, name));
}

const reports = new Map(files.map((file) => [file, { name: file, status: 'passed', message: '', startTime: 0, endTime: 0, assertionResults: [] }]));
const printed = new Map();
let success = true;

function record(data, status) {
  const report = reports.get(data.file);
  if (status === 'failed') {
    success = false;
  }
  if (!report || data.details.type === 'suite') {
    return;
  }
  report.endTime += data.nesting === 0 ? data.details.duration_ms : 0;
  const messages = status === 'failed' ? [inspect(data.details.error.cause ?? data.details.error)] : [];
  if (resolve(data.name) === data.file) {
    // the process of the file, which only has a result of its own if it failed
    report.status = status;
    report.message = (printed.get(data.file) ?? []).concat(messages).join('\n');
    return;
  }
  const skipped = data.skip !== undefined || data.todo !== undefined;
  report.assertionResults.push({ fullName: data.name, status: skipped ? 'skipped' : status, failureMessages: messages });
}

// One file at a time: tests have real servers, and the machine may be small.
const stream = run({ files, concurrency: false, timeout: 120_000 });
stream.on('test:pass', (data) => record(data, 'passed'));
stream.on('test:fail', (data) => record(data, 'failed'));
stream.on('test:stderr', ({ file, message }) => printed.set(file, [...(printed.get(file) ?? []), message]));
if (values.outputFile === undefined) {
  stream.compose(new spec()).pipe(process.stdout);
} else {
  stream.resume();
}
stream.on('end', () => {
  const testResults = [...reports.values()];
  for (const report of testResults) {
    if (report.assertionResults.length === 0 && report.status === 'passed') {
      success = false;
      report.status = 'failed';
      report.message = `${relative(process.cwd(), report.name)} has no tests`;
    }
  }
  if (values.outputFile !== undefined) {
    writeFileSync(values.outputFile, JSON.stringify({ success, testResults }));
  }
  process.exitCode = success ? 0 : 1;
});
