import type { ReactNode } from 'react';

import type { QueryState } from '../../links/explore';
import type { Language } from '../../links/sources';

/** What shows the answer to a query. */
export interface AnswerProps {
  query: QueryState;
  expr: string;
  language: Language;
  /** uid of the data source. */
  source: string;
  onChange: (part: QueryState) => void;
  /** Grows each time that the question is to be asked again. */
  round: number;
  /** Stands before its own buttons. */
  children: ReactNode;
}
