import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import { DocLinks } from './DocLinks';

const shown = (text: string) => renderToStaticMarkup(<DocLinks text={text} />).replace(/ class="[^"]*"/g, '');

describe('DocLinks', () => {
  it.each([
    ['no receiver; see docs/alerting.md', 'no receiver; see <a href="/docs/alerting">docs/alerting.md</a>'],
    ['docs/secure.md#users, docs/run.md.', '<a href="/docs/secure#users">docs/secure.md#users</a>, <a href="/docs/run">docs/run.md</a>.'],
    ['nothing <b>here</b>', 'nothing &lt;b&gt;here&lt;/b&gt;'],
    ['docs/../x.md', 'docs/../x.md'],
    ['', ''],
  ])('%s', (text, want) => expect(shown(text)).toBe(want));
});
