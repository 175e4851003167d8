import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import type { Clusters } from '../../api/system';
import { ClusterCards } from './ClusterCards';

const shown = (clusters: Clusters) =>
  renderToStaticMarkup(<ClusterCards clusters={clusters} />)
    .replace(/<[^>]*>/g, '|')
    .replace(/\|+/g, '|');
const member = (name: string, address: string, reached = true, self = false) => ({ name, address, reached, self });
const queue = { name: 'long-term', host: '10.0.0.5:19291', lag: 3, pending: 1200, failed: 0, retried: 0 };

describe('ClusterCards', () => {
  it('shows nothing on a single host', () => {
    expect(shown({})).toBe('');
    expect(shown({ loki: [], remoteWrite: [] })).toBe('');
  });

  it('lists the members of an Alertmanager cluster', () => {
    const members = [member('server-1', '10.0.0.1:9094', true, true), member('server-2', '10.0.0.2:9094'), member('', '10.0.0.3:9094', false)];
    const text = shown({ alertmanager: { state: 'ready', members, missing: 1 } });
    expect(text).toContain('|Alertmanager cluster|ready|');
    expect(text).toContain('|reached|server-1|10.0.0.1:9094 (this one)|');
    expect(text).toContain('|reached|server-2|10.0.0.2:9094|');
    expect(text).toContain('|not reached|10.0.0.3:9094|');
    expect(text).not.toContain('members are');
  });

  it('counts members that are known by name only', () => {
    const members = [member('server-1', '10.0.0.1:9094', true, true)];
    expect(shown({ alertmanager: { state: 'settling', members, missing: 1 } })).toContain('|1 member is not reached|');
    expect(shown({ alertmanager: { state: 'settling', members, missing: 2 } })).toContain('|2 members are not reached|');
  });

  it('says what is wrong between members', () => {
    const members = [member('server-1', '10.0.0.1:9094', true, true), member('server-2', '10.0.0.2:9094')];
    const problems = ['server-2 is reached over TCP and not over UDP', 'another one'];
    expect(shown({ alertmanager: { state: 'ready', members, missing: 0, problems } })).toContain(`|${problems.join('|')}|`);
  });

  it("lists the members of Loki's ring with their states", () => {
    const text = shown({
      loki: [
        { name: 'server-1', address: '10.0.0.1:9095', self: true, state: 'ACTIVE' },
        { name: 'server-2', address: '10.0.0.2:9095', self: false, state: 'UNHEALTHY' },
      ],
    });
    expect(text).toContain('|active|server-1|10.0.0.1:9095 (this one)|');
    expect(text).toContain('|unhealthy|server-2|10.0.0.2:9095|');
  });

  it('says how far a queue is behind', () => {
    expect(shown({ remoteWrite: [queue] })).toContain('|sending|long-term|10.0.0.5:19291|3 s behind, 1.2 K pending|');
    expect(shown({ remoteWrite: [{ ...queue, lag: 600, retried: 50 }] })).toContain(
      '|behind|long-term|10.0.0.5:19291|10 mins behind, 1.2 K pending, 50 sent again since the start|'
    );
    expect(shown({ remoteWrite: [{ ...queue, lag: -1 }] })).toContain('|nothing sent|long-term|10.0.0.5:19291|1.2 K pending|');
  });

  it('says what is lost', () => {
    expect(shown({ remoteWrite: [queue] })).not.toContain('missing');
    expect(shown({ remoteWrite: [{ ...queue, failed: 7 }] })).toContain('|Samples that were rejected since the start and are missing there: 7|');
  });
});
