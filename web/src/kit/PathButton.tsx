import { locationService } from '@grafana/runtime';
import { LinkButton, type IconName } from '@grafana/ui';
import type { ReactNode } from 'react';

import { address } from '../runtime/backendSrv';

/** An internal link that looks like a button and does not reload the page. */
export function PathButton({ to, icon, tooltip, children }: { to: string; icon?: IconName; tooltip?: string; children: ReactNode }) {
  return (
    <LinkButton
      size="sm"
      variant="secondary"
      fill="outline"
      icon={icon}
      tooltip={tooltip}
      href={address(to)}
      onClick={(event) => {
        if (event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
          event.preventDefault();
          locationService.push(to);
        }
      }}
    >
      {children}
    </LinkButton>
  );
}
