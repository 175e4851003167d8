import type { ReactNode } from 'react';

import type { Language, QueryState } from '../../links/explore';

/** What shows the answer to a query. */
export interface AnswerProps {
  query: QueryState;
  expr: string;
  language: Language;
  /** uid of the data source. */
  source: string;
  onChange: (part: QueryState) => void;
  /** Stands before its own buttons. */
  children: ReactNode;
}
