import { Alert, useStyles2 } from '@grafana/ui';

import type { Update } from '../../api/system';
import { Ago, getStyles, OutsideLink } from '../../kit/parts';

/** Whether there is a newer version of Ausguck; nothing if no check is configured. */
export function UpdateNotice({ update, version }: { update: Update | null; version: string }) {
  const styles = useStyles2(getStyles);
  if (!update) {
    return null;
  }
  const { newest, newer, checked, error } = update;
  const when = checked ? (
    <>
      checked <Ago time={checked} />
    </>
  ) : (
    'not checked yet'
  );
  return (
    <div data-testid="update">
      {newer && newest ? (
        <Alert severity="info" title={`Ausguck ${newest.version} is available`}>
          This is {version}
          {newest.published && `; published on ${newest.published.slice(0, 10)}`}; {when}. <OutsideLink to={newest.url}>About this version</OutsideLink>
        </Alert>
      ) : (
        !error && (
          <p className={styles.quiet}>
            {newest ? `The newest version is ${newest.version}` : 'The newest version is not known'}; {when}.
          </p>
        )
      )}
      {error && (
        <Alert severity="warning" title="The check for a newer version failed">
          {error}; {checked && 'last '}
          {when}.
        </Alert>
      )}
    </div>
  );
}
