import type { JSX } from 'react';
import type { FieldDisplay } from '@grafana/data';
import { DataLinksContextMenu } from '@grafana/ui';

/** Props that drawings with data links spread on their element. */
export interface LinkProps {
  className?: string;
  openMenu?: React.MouseEventHandler<Element>;
}

/** Draws a value; if it has data links, a click opens them. */
export function LinkedValue({ value, children }: { value: FieldDisplay; children: (link: LinkProps) => JSX.Element }) {
  if (!value.hasLinks || value.getLinks === undefined) {
    return children({});
  }
  return (
    <DataLinksContextMenu links={value.getLinks} style={{ flexGrow: 1 }}>
      {({ openMenu, targetClassName }) => children({ openMenu, className: targetClassName })}
    </DataLinksContextMenu>
  );
}
