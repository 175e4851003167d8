import { Alert, Badge, Button, Combobox, ConfirmButton, Field, Input, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { users, type Role, type User } from '../../api/users';
import { Ago, getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { bootData } from '../../boot/bootData';
import { roles, useDoing } from './Ask';
import { settingsTabs } from './tabs';

/** The users who can log in, and their roles. */
export default function UsersPage() {
  usePage({ breadcrumbs: [{ text: 'Settings', to: '/settings' }, { text: 'Users' }] }, 'users');
  const styles = useStyles2(getStyles);
  const { data, error, reload } = usePolled(['users'], users.list);
  const { busy, act, problem } = useDoing();
  const change = (what: () => Promise<unknown>) => void act(what).then(reload);
  return (
    <TabbedPage label="Settings" tabs={settingsTabs()} error={error} loading={!data}>
      {problem}
      <section className={styles.card} aria-label="Users">
        <ul className={styles.list}>
          {data?.map((u) => (
            <One key={u.userId} user={u} busy={busy} change={change} />
          ))}
        </ul>
      </section>
      <NewUser onMade={reload} />
    </TabbedPage>
  );
}

function One({ user, busy, change }: { user: User; busy: boolean; change: (what: () => Promise<unknown>) => void }) {
  const styles = useStyles2(getStyles);
  const [password, setPassword] = useState<string>();
  const self = user.login === bootData.user.login;
  return (
    <li className={styles.item} data-testid="user">
      <div className={styles.line}>
        <span className={styles.title}>{user.login}</span>
        {user.name && user.name !== user.login && <span className={styles.quiet}>{user.name}</span>}
        {user.isDisabled && <Badge color="red" text="disabled" />}
        <span className={styles.quiet}>
          {neverSeen(user) ? (
            'never seen'
          ) : (
            <>
              seen <Ago time={user.lastSeenAt} />
            </>
          )}
        </span>
        <span className={styles.right}>
          {self ? (
            <span className={styles.quiet}>{user.role} – you</span>
          ) : (
            <>
              <Combobox
                aria-label={`Role of ${user.login}`}
                width={16}
                disabled={busy}
                value={user.role}
                options={[...roles]}
                onChange={(o) => change(() => users.setRole(user.userId, o.value as Role))}
              />
              <Button size="sm" variant="secondary" onClick={() => setPassword(password === undefined ? '' : undefined)}>
                Password
              </Button>
              <Button size="sm" variant="secondary" disabled={busy} onClick={() => change(() => users.setDisabled(user.userId, !user.isDisabled))}>
                {user.isDisabled ? 'Enable' : 'Disable'}
              </Button>
              <ConfirmButton size="sm" confirmText="Delete" confirmVariant="destructive" onConfirm={() => change(() => users.remove(user.userId))}>
                <Button size="sm" variant="secondary" fill="outline">
                  Delete
                </Button>
              </ConfirmButton>
            </>
          )}
        </span>
      </div>
      {password !== undefined && (
        <form
          className={styles.line}
          onSubmit={(e) => {
            e.preventDefault();
            change(() => users.setPassword(user.userId, password));
            setPassword(undefined);
          }}
        >
          <Input
            aria-label={`New password of ${user.login}`}
            type="password"
            autoComplete="new-password"
            width={30}
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
          />
          <Button size="sm" type="submit" disabled={password === ''}>
            Set password
          </Button>
        </form>
      )}
    </li>
  );
}

/** Grafana's API returns a time ten years ago for users who have never logged in. */
function neverSeen({ lastSeenAt }: User): boolean {
  return Date.now() - Date.parse(lastSeenAt) > 9 * 365 * 86_400_000;
}

function NewUser({ onMade }: { onMade: () => void }) {
  const styles = useStyles2(getStyles);
  const [login, setLogin] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('Viewer');
  const [made, setMade] = useState<string>();
  const { busy, act, problem } = useDoing();
  const save = async () => {
    const done = await act(async () => {
      const { id } = await users.create({ login, password });
      await users.setRole(id, role);
    });
    if (done) {
      setMade(login);
      setLogin('');
      setPassword('');
    }
    onMade();
  };
  return (
    <section className={styles.card} aria-label="New user">
      <div className={styles.head}>
        <h2>New user</h2>
      </div>
      <form
        className={styles.item}
        onSubmit={(e) => {
          e.preventDefault();
          void save();
        }}
      >
        <Field noMargin label="Login">
          <Input id="new-login" autoComplete="off" value={login} onChange={(e) => setLogin(e.currentTarget.value)} width={30} />
        </Field>
        <Field noMargin label="Password">
          <Input
            id="new-password"
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
            width={30}
          />
        </Field>
        <Field noMargin label="Role">
          <Combobox id="new-role" width={30} value={role} options={[...roles]} onChange={(o) => setRole(o.value as Role)} />
        </Field>
        <div>
          <Button type="submit" disabled={busy || login === '' || password === ''}>
            Create user
          </Button>
        </div>
        {problem}
        {made && <Alert severity="success" title={`${made} can log in`} onRemove={() => setMade(undefined)} />}
      </form>
    </section>
  );
}
