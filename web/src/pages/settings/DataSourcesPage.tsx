import { Alert, Badge, Button, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { Link } from 'react-router-dom';

import { datasources, type DataSource } from '../../api/datasources';
import { getStyles } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { usePage } from '../../kit/page';
import { TabbedPage } from '../../kit/Tabs';
import { errorMessage } from '../../runtime/backendSrv';
import { settingsTabs } from './tabs';

/** The data sources of dashboards and Explore, and whether they respond. */
export default function DataSourcesPage() {
  usePage({ breadcrumbs: [{ text: 'Settings', to: '/settings' }, { text: 'Data sources' }] }, 'datasources');
  const styles = useStyles2(getStyles);
  const { data, error } = usePolled(['datasources'], datasources.list);
  return (
    <TabbedPage label="Settings" tabs={settingsTabs()} error={error} loading={!data}>
      <p>
        Data sources are provisioned from files in <code>grafana/provisioning/datasources</code> of the configuration folder, or created with Grafana’s API.
      </p>
      {data?.length === 0 && <Alert severity="info" title="No data sources" />}
      <section className={styles.card} aria-label="Data sources">
        <ul className={styles.list}>
          {data?.map((d) => (
            <One key={d.uid} source={d} />
          ))}
        </ul>
      </section>
    </TabbedPage>
  );
}

interface Tested {
  healthy: boolean;
  text: string;
}

function One({ source }: { source: DataSource }) {
  const styles = useStyles2(getStyles);
  const [busy, setBusy] = useState(false);
  const [tested, setTested] = useState<Tested>();
  const test = async () => {
    setBusy(true);
    setTested(
      await datasources.test(source.uid).then(
        ({ message }) => ({ healthy: true, text: message }),
        (err: unknown) => ({ healthy: false, text: errorMessage(err) })
      )
    );
    setBusy(false);
  };
  const asks = source.type === 'prometheus' || source.type === 'loki';
  return (
    <li className={styles.item} data-testid="datasource">
      <div className={styles.line}>
        <span className={styles.title}>{source.name}</span>
        <span>{source.typeName}</span>
        {source.isDefault && <Badge color="blue" text="default" />}
        <span className={styles.quiet}>{source.readOnly ? 'from a file' : 'made by the API'}</span>
        <span className={styles.right}>
          {asks && (
            <Link className={styles.link} to={`/explore?g0.source=${encodeURIComponent(source.uid)}`}>
              Explore
            </Link>
          )}
          <Button size="sm" variant="secondary" disabled={busy} onClick={test}>
            {busy ? 'Testing…' : 'Test'}
          </Button>
        </span>
      </div>
      <div className={styles.quiet}>{source.url}</div>
      {tested && (
        <Alert
          severity={tested.healthy ? 'success' : 'error'}
          title={tested.healthy ? 'It answers' : 'Unexpected response'}
          onRemove={() => setTested(undefined)}
        >
          {tested.text}
        </Alert>
      )}
    </li>
  );
}
