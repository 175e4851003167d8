import { Alert } from '@grafana/ui';
import type { ReactNode } from 'react';

import { may } from '../boot/role';
import { usePage } from '../kit/page';

interface Props {
  role: 'Editor' | 'Admin';
  /** The title of the frame if the page itself is not shown. */
  title: string;
  children: ReactNode;
}

/** A page for users with a role; others see a message, and nothing is requested from the server. */
export function Only({ role, title, children }: Props) {
  return may(role) ? children : <Refused role={role} title={title} />;
}

function Refused({ role, title }: Omit<Props, 'children'>) {
  usePage({ breadcrumbs: [{ text: title }] }, title);
  return (
    <div data-testid="refused" style={{ padding: 16 }}>
      <h1>{title}</h1>
      <Alert severity="info" title={role === 'Admin' ? 'This page is for admins' : 'This page is for editors and admins'}>
        You have access to all other pages. An admin can change your role under “Settings”, “Users”.
      </Alert>
    </div>
  );
}
