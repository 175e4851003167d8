import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import type { Update } from '../../api/system';
import { UpdateNotice } from './UpdateNotice';

const shown = (update: Update | null) => renderToStaticMarkup(<UpdateNotice update={update} version="1.2.0" />);
const newest = { version: '1.3.0', url: 'https://forge.example/releases/v1.3.0', published: '2026-11-20T10:00:00Z' };
const checked = '2026-11-29T08:00:00Z';

describe('UpdateNotice', () => {
  it('shows nothing if no check is configured', () => {
    expect(shown(null)).toBe('');
  });

  it('names a newer version, its page and the day of the check', () => {
    const page = shown({ newest, newer: true, checked });
    expect(page).toContain('Ausguck 1.3.0 is available');
    expect(page).toContain('This is 1.2.0; published on 2026-11-20; checked <time dateTime="2026-11-29T08:00:00Z"');
    expect(page).toContain('href="https://forge.example/releases/v1.3.0"');
    expect(page).not.toContain('failed');
  });

  it('makes no link of an address that a browser must not follow', () => {
    const page = shown({ newest: { version: '1.3.0', url: 'javascript:alert(1)' }, newer: true, checked });
    expect(page).toContain('Ausguck 1.3.0 is available');
    expect(page).not.toContain('href');
    expect(page).not.toContain('published');
  });

  it('says that there is none', () => {
    const page = shown({ newest, newer: false, checked });
    expect(page).toContain('The newest version is 1.3.0; checked <time');
    expect(page).not.toContain('is available');
  });

  it('says that it does not know yet', () => {
    expect(shown({ newer: false })).toContain('The newest version is not known; not checked yet.');
  });

  it('says why a check failed, and what the one before it found', () => {
    const page = shown({ newest, newer: true, checked, error: 'ask forge.example for the newest version: connection refused' });
    expect(page).toContain('Ausguck 1.3.0 is available');
    expect(page).toContain('The check for a newer version failed');
    expect(page).toContain('ask forge.example for the newest version: connection refused; last checked <time');
    expect(shown({ newer: false, error: 'no route' })).toContain('no route; not checked yet.');
  });
});
