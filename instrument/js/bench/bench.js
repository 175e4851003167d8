// Compares what measuring costs per request: CPU time of a server process over that of the same server without metrics.
// `npm run bench` prints a table; `npm run bench -- ROUNDS REQUESTS` takes longer or shorter.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

const [rounds = 9, requests = 20_000] = process.argv.slice(2).map(Number);
const connections = 8;
const pipelined = 8;
const request = Buffer.from('GET /items/1 HTTP/1.1\r\nHost: x\r\n\r\n');
const ours = '@ausguck/instrument';
const sides = {
  Fastify: ['bare', ours, 'fastify-metrics', 'fastify-metrics, histogram only'],
  Express: ['bare', ours, 'express-prom-bundle'],
  'node:http': ['bare', ours],
};

async function start(server, side) {
  const child = fork(new URL('server.js', import.meta.url), [server, side]);
  const [{ port }] = await once(child, 'message');
  return { server, side, child, port, best: Infinity };
}

/** drive sends requests over connections that always have some under way, and ends once all have their answers. */
async function drive(port, count) {
  let left = count;
  const client = async () => {
    const socket = connect(port, '127.0.0.1').setNoDelay();
    await once(socket, 'connect');
    let waiting = 0;
    const more = () => {
      const n = Math.min(pipelined - waiting, left);
      left -= n;
      waiting += n;
      if (n > 0) {
        socket.write(Buffer.concat(Array(n).fill(request)));
      }
    };
    more();
    while (waiting > 0) {
      const [chunk] = await once(socket, 'data');
      for (let at = chunk.indexOf('HTTP/1.1 200'); at >= 0; at = chunk.indexOf('HTTP/1.1 200', at + 1)) {
        waiting--;
      }
      if (waiting <= pipelined / 2) {
        more();
      }
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, client));
}

/** measure returns the CPU time per request in microseconds. */
async function measure({ child, port }, count) {
  child.send('cpu');
  const [before] = await once(child, 'message');
  await drive(port, count);
  child.send('cpu');
  const [after] = await once(child, 'message');
  return (after.cpu - before.cpu) / count;
}

const running = [];
for (const [server, list] of Object.entries(sides)) {
  for (const side of list) {
    const one = await start(server, side);
    await measure(one, requests); // until the code is compiled
    running.push(one);
  }
}
for (let round = 0; round < rounds; round++) {
  for (const one of running) {
    one.best = Math.min(one.best, await measure(one, requests));
  }
}
console.log(`Node ${process.version}, the least CPU time of ${rounds} rounds of ${requests} requests\n`);
console.log('| server | | µs per request | over the bare server | bare = 1 | over it, ours = 1 |');
console.log('|---|---|---:|---:|---:|---:|');
for (const { server, side, child, best } of running) {
  const of = (name) => running.find((other) => other.server === server && other.side === name).best;
  const over = best - of('bare');
  console.log(
    `| ${[server, side, ...[best, over].map((n) => n.toFixed(1)), (best / of('bare')).toFixed(2), (over / (of(ours) - of('bare'))).toFixed(2)].join(' | ')} |`
  );
  child.disconnect();
}
