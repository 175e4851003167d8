import { cx } from '@emotion/css';
import { Alert, LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'react-router-dom';

import { getStyles } from './parts';

interface Props {
  label: string;
  tabs: ReadonlyArray<{ to: string; text: string }>;
  error?: string;
  loading?: boolean;
  children: ReactNode;
}

/** The frame of a group of pages shown as tabs. */
export function TabbedPage({ label, tabs, error, loading, children }: Props) {
  const styles = useStyles2(getStyles);
  const { pathname } = useLocation();
  return (
    <div className={styles.page}>
      <nav className={styles.tabs} aria-label={label}>
        {tabs.map(({ to, text }) => (
          <Link key={to} to={to} className={cx(styles.tab, pathname === to && styles.here)} aria-current={pathname === to ? 'page' : undefined}>
            {text}
          </Link>
        ))}
      </nav>
      {error && (
        <Alert severity="error" title="Some data could not be loaded">
          {error}
        </Alert>
      )}
      {loading && !error ? <LoadingPlaceholder text="" /> : children}
    </div>
  );
}
