import { InternalTimeZones } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';
import { Alert, Button, Combobox, Field, Input, RadioButtonGroup, TimeZonePicker } from '@grafana/ui';
import { useState } from 'react';

import { usePage } from '../kit/page';
import { TabbedPage } from '../kit/Tabs';
import { chooseTheme } from '../kit/theme';
import { bootData } from '../boot/bootData';
import { errorMessage } from '../runtime/backendSrv';
import { settingsTabs } from './settings/tabs';

/** The user's own theme, time zone and password. */
export default function ProfilePage() {
  const { login, orgRole, theme, timezone, weekStart } = bootData.user;
  usePage({ breadcrumbs: [{ text: 'Settings' }] }, 'profile');
  const prefer = async (change: object) => {
    await getBackendSrv().patch('/api/user/preferences', change);
    window.location.reload();
  };
  return (
    <TabbedPage label="Settings" tabs={settingsTabs()}>
      <div style={{ maxWidth: 600 }}>
        <h1>{login}</h1>
        <p>Role: {orgRole}</p>
        <Field label="Theme">
          <RadioButtonGroup
            value={theme || 'system'}
            options={[
              { value: 'system', label: 'As the browser' },
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
            ]}
            onChange={(t) => chooseTheme(t as 'light')}
          />
        </Field>
        <Field label="Time zone">
          <TimeZonePicker
            includeInternal={[InternalTimeZones.localBrowserTime, InternalTimeZones.utc]}
            value={timezone || InternalTimeZones.localBrowserTime}
            onChange={(zone) => zone && prefer({ timezone: zone })}
            inputId="timezone"
          />
        </Field>
        <Field label="First day of the week">
          <Combobox
            value={weekStart}
            options={[
              { value: '', label: 'As the browser' },
              { value: 'monday', label: 'Monday' },
              { value: 'saturday', label: 'Saturday' },
              { value: 'sunday', label: 'Sunday' },
            ]}
            onChange={(o) => prefer({ weekStart: o.value })}
          />
        </Field>
        <Password />
      </div>
    </TabbedPage>
  );
}

function Password() {
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const [result, setResult] = useState<{ ok: boolean; text: string }>();
  const save = async () => {
    try {
      await getBackendSrv().put('/api/user/password', { oldPassword: old, newPassword: fresh, confirmNew: fresh }, { showErrorAlert: false });
      setResult({ ok: true, text: 'Password changed' });
      setOld('');
      setFresh('');
    } catch (err) {
      setResult({ ok: false, text: errorMessage(err) });
    }
  };
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        void save();
      }}
    >
      <h2>Password</h2>
      <Field label="Present password">
        <Input type="password" autoComplete="current-password" value={old} onChange={(e) => setOld(e.currentTarget.value)} />
      </Field>
      <Field label="New password">
        <Input type="password" autoComplete="new-password" value={fresh} onChange={(e) => setFresh(e.currentTarget.value)} />
      </Field>
      <Button type="submit" disabled={old === '' || fresh === ''}>
        Change the password
      </Button>
      {result && <Alert severity={result.ok ? 'success' : 'error'} title={result.text} />}
    </form>
  );
}
