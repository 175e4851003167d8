import { Alert, Badge, Button, type BadgeColor, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { statusPages, type Condition, type StatusPage } from '../../api/statusPages';
import { DocLink } from '../../kit/DocLinks';
import { usePage } from '../../kit/page';
import { AlertingPage, getStyles, mayEdit } from '../../kit/parts';
import { usePolled } from '../../runtime/usePolled';
import { IncidentForm, MaintenanceForm } from './StatusForms';
import { StatusEventItem } from './StatusEventItem';
import { sorted } from './statusEvents';
import { Subscribers } from './Subscribers';

/** The public status pages, and what Editors report on them. */
export default function StatusPagesPage() {
  usePage({ breadcrumbs: [{ text: 'Alerts', to: '/alerts' }, { text: 'Status pages' }] }, 'status pages');
  const { data, error, reload } = usePolled(['status-pages'], async () => ({ pages: await statusPages.list(), now: Date.now() }));
  return (
    <AlertingPage error={error} loading={!data}>
      {data?.pages.length === 0 && (
        <Alert severity="info" title="No status pages">
          List pages in status-pages.yml in the configuration folder and reload, as <DocLink page="status-page">Status pages</DocLink> describes.
        </Alert>
      )}
      {data?.pages.map((page) => (
        <One key={page.name} page={page} now={data.now} onChange={reload} />
      ))}
    </AlertingPage>
  );
}

const colors: Record<Condition, BadgeColor> = { operational: 'green', maintenance: 'blue', unknown: 'darkgrey', degraded: 'orange', down: 'red' };

function ConditionBadge({ condition, name }: { condition: Condition | ''; name?: string }) {
  const state = condition || 'unknown';
  return <Badge color={colors[state]} text={name ? `${name}: ${state}` : state} />;
}

function One({ page, now, onChange }: { page: StatusPage; now: number; onChange: () => void }) {
  const styles = useStyles2(getStyles);
  const [form, setForm] = useState<'incident' | 'maintenance'>();
  const { open, planned, past } = sorted(page.events, now);
  const close = () => setForm(undefined);
  const changed = () => {
    close();
    onChange();
  };
  const list = (title: string, events: typeof open, none?: string) =>
    (events.length > 0 || none) && (
      <section className={styles.item} style={{ padding: 0, gap: 0 }} aria-label={`${title} of ${page.title}`}>
        <h3 className={`${styles.item} ${styles.quiet}`} style={{ margin: 0 }}>
          {events.length > 0 ? title : none}
        </h3>
        {events.length > 0 && (
          <ul className={styles.list}>
            {events.map((e) => (
              <StatusEventItem key={e.id} page={page.name} event={e} now={now} onChange={onChange} />
            ))}
          </ul>
        )}
      </section>
    );
  return (
    <section className={styles.card} aria-label={page.title} data-testid="status-page" data-status={page.status}>
      <div className={styles.head}>
        <h2>{page.title}</h2>
        <ConditionBadge condition={page.status} />
        {page.public ? (
          <a className={styles.link} href={page.url} target="_blank" rel="noreferrer">
            {page.url}
          </a>
        ) : (
          <span className={styles.quiet}>
            not public: add <code>public: true</code> to page <code>{page.name}</code> in status-pages.yml, and reload
          </span>
        )}
        {mayEdit() && (
          <span className={styles.right}>
            <Button size="sm" icon="plus" aria-expanded={form === 'incident'} onClick={() => setForm(form === 'incident' ? undefined : 'incident')}>
              Report an incident
            </Button>
            <Button
              size="sm"
              variant="secondary"
              aria-expanded={form === 'maintenance'}
              onClick={() => setForm(form === 'maintenance' ? undefined : 'maintenance')}
            >
              Plan maintenance
            </Button>
          </span>
        )}
      </div>
      {form === 'incident' && <IncidentForm page={page} onDone={changed} onCancel={close} />}
      {form === 'maintenance' && <MaintenanceForm page={page} onDone={changed} onCancel={close} />}
      <div className={styles.item}>
        <span className={styles.labels}>
          {page.components.map((c) => (
            <ConditionBadge key={c.name} condition={c.status} name={c.name} />
          ))}
        </span>
      </div>
      <Subscribers page={page} onChange={onChange} />
      {list('Open incidents', open, past.length + planned.length === 0 ? 'No incidents, and no planned maintenance' : 'No open incidents')}
      {list('Maintenance', planned)}
      {list('Last 90 days', past)}
    </section>
  );
}
