import type { ReactNode } from 'react';

import type { QueryState } from '../../links/explore';
import type { Language } from '../../links/sources';

/** Props of components that show the result of a query. */
export interface AnswerProps {
  query: QueryState;
  expr: string;
  language: Language;
  /** uid of the data source. */
  source: string;
  onChange: (part: QueryState) => void;
  /** Incremented whenever the query should run again. */
  round: number;
  /** Rendered before its own buttons. */
  children: ReactNode;
}
