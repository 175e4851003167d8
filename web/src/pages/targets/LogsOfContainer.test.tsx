import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import { LogsOfContainer } from './LogsOfContainer';

describe('LogsOfContainer', () => {
  it('says that lines are collected', () => {
    expect(renderToStaticMarkup(<LogsOfContainer logs={{ collected: true }} />)).toContain('Logs are collected.');
  });

  it('says why they are not, and what changes that', () => {
    const page = renderToStaticMarkup(
      <LogsOfContainer logs={{ collected: false, reason: 'Its log driver is none: <b>Docker</b> keeps no lines of it.', remedy: 'Choose another.' }} />
    );
    expect(page).toContain('logs not collected');
    expect(page).toContain('Its log driver is none: &lt;b&gt;Docker&lt;/b&gt; keeps no lines of it.');
    expect(page).toContain('Choose another.');
  });
});
