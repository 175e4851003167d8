import { Alert, Button, Combobox, ConfirmButton, Field, Input, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { accounts, type Account, type Role } from '../../api/users';
import { Ago, getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { copyText } from '../../dashboard/scene/panelActions';
import { roles, useDoing } from './Ask';
import { settingsTabs } from './tabs';

const lives = [
  { value: 0, label: 'for ever' },
  { value: 30 * 86_400, label: '30 days' },
  { value: 365 * 86_400, label: 'a year' },
];

/** Service accounts and the tokens with which programs access the API. */
export default function TokensPage() {
  usePage({ breadcrumbs: [{ text: 'Settings', to: '/settings' }, { text: 'Tokens' }] }, 'tokens');
  const styles = useStyles2(getStyles);
  const { data, error, reload } = usePolled(['accounts'], accounts.list);
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('Viewer');
  const { busy, act, problem } = useDoing();
  return (
    <TabbedPage label="Settings" tabs={settingsTabs()} error={error} loading={!data}>
      <p>
        Programs authenticate with a token instead of a password: <code>Authorization: Bearer …</code>. A token belongs to a service account, whose role says
        what it may.
      </p>
      {data?.length === 0 && (
        <Alert severity="info" title="No service accounts">
          Create one below, then create a token for it.
        </Alert>
      )}
      {data?.map((a) => (
        <One key={a.id} account={a} onChange={reload} />
      ))}
      <section className={styles.card} aria-label="New service account">
        <div className={styles.head}>
          <h2>New service account</h2>
        </div>
        <form
          className={styles.item}
          onSubmit={(e) => {
            e.preventDefault();
            void act(() => accounts.create(name, role)).then((done) => {
              reload();
              if (done) {
                setName('');
              }
            });
          }}
        >
          <Field noMargin label="Name">
            <Input id="account-name" value={name} onChange={(e) => setName(e.currentTarget.value)} width={30} />
          </Field>
          <Field noMargin label="Role">
            <Combobox id="account-role" width={30} value={role} options={[...roles]} onChange={(o) => setRole(o.value as Role)} />
          </Field>
          <div>
            <Button type="submit" disabled={busy || name === ''}>
              Create account
            </Button>
          </div>
          {problem}
        </form>
      </section>
    </TabbedPage>
  );
}

function One({ account, onChange }: { account: Account; onChange: () => void }) {
  const styles = useStyles2(getStyles);
  const { data, error, reload } = usePolled(['tokens', account.id], () => accounts.tokens(account.id));
  const [name, setName] = useState('');
  const [life, setLife] = useState(0);
  const [key, setKey] = useState<string>();
  const { busy, act, problem } = useDoing();
  const make = () =>
    act(async () => setKey((await accounts.createToken(account.id, name, life)).key)).then((done) => {
      reload();
      if (done) {
        setName('');
      }
    });
  return (
    <section className={styles.card} aria-label={`Service account ${account.name}`} data-testid="account">
      <div className={styles.head}>
        <h2>{account.name}</h2>
        <span className={styles.quiet}>{account.role}</span>
        <span className={styles.right}>
          <ConfirmButton
            size="sm"
            confirmText="Delete"
            confirmVariant="destructive"
            onConfirm={() => void act(() => accounts.remove(account.id)).then(onChange)}
          >
            <Button size="sm" variant="secondary" fill="outline">
              Delete
            </Button>
          </ConfirmButton>
        </span>
      </div>
      <div className={styles.item}>
        {error && <span className={styles.error}>{error}</span>}
        {data?.map((t) => (
          <div key={t.id} className={styles.line}>
            <span className={styles.title}>{t.name}</span>
            <span className={styles.quiet}>
              made <Ago time={t.created} />,{' '}
              {t.lastUsedAt ? (
                <>
                  used <Ago time={t.lastUsedAt} />
                </>
              ) : (
                'never used'
              )}
              ,{' '}
              {t.hasExpired ? (
                'expired'
              ) : t.expiration ? (
                <>
                  ends <Ago time={t.expiration} />
                </>
              ) : (
                'without an end'
              )}
            </span>
            <span className={styles.right}>
              <Button size="sm" variant="secondary" fill="outline" onClick={() => void act(() => accounts.removeToken(account.id, t.id)).then(reload)}>
                Revoke
              </Button>
            </span>
          </div>
        ))}
        <form
          className={styles.line}
          onSubmit={(e) => {
            e.preventDefault();
            void make();
          }}
        >
          <Input
            aria-label={`Name of a new token of ${account.name}`}
            placeholder="Name of a new token"
            width={24}
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <Combobox aria-label="Valid" width={16} value={life} options={lives} onChange={(o) => setLife(o.value)} />
          <Button size="sm" type="submit" disabled={busy || name === ''}>
            Create token
          </Button>
        </form>
        {problem}
        {key && (
          <Alert severity="success" title="Token (shown only once)" onRemove={() => setKey(undefined)}>
            <code data-testid="token">{key}</code>{' '}
            <Button size="sm" variant="secondary" icon="copy" onClick={() => copyText(key, 'Token copied')}>
              Copy
            </Button>
          </Alert>
        )}
      </div>
    </section>
  );
}
