import { locationService } from '@grafana/runtime';
import { LinkButton, type IconName } from '@grafana/ui';
import type { ReactNode } from 'react';

import { address } from '../runtime/backendSrv';

/** A link to a page here that looks like a button and does not load the page anew. */
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
