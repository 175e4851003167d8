import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import { Remedy } from './Remedy';

const shown = (text: string | undefined, lines?: string) => renderToStaticMarkup(<Remedy text={text} lines={lines} />);

describe('Remedy', () => {
  it('shows a label as one to add', () => {
    expect(shown('prometheus.io/scrape: "true"')).toContain('Add to its labels: <code>prometheus.io/scrape: &quot;true&quot;</code>');
  });

  it('shows a sentence as it is, also one with a label in it', () => {
    const page = shown('Write the number only: prometheus.io/port: "8080"');
    expect(page).toContain('Write the number only: prometheus.io/port: &quot;8080&quot;');
    expect(page).not.toContain('Add to its labels');
  });

  it('shows lines of a compose file, to copy', () => {
    const page = shown('Add Ausguck to the network.', 'networks:\n  a: {}\n');
    expect(page).toContain('<pre');
    expect(page).toContain('networks:\n  a: {}');
    expect(page).toContain('Copy');
  });

  it('shows nothing when nothing is wrong', () => {
    expect(shown(undefined)).toBe('');
  });
});
