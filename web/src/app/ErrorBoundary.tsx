import { Alert, Button } from '@grafana/ui';
import { Component, type ReactNode } from 'react';

interface Props {
  children: ReactNode;
  /** Identifies what the error belongs to; when it changes, rendering is retried. */
  place: string;
}

/** Confines an error to one page and suggests a remedy: if code fails to load, the server is unreachable or was upgraded. */
export class ErrorBoundary extends Component<Props, { error?: Error; place: string }> {
  state: { error?: Error; place: string } = { place: this.props.place };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  static getDerivedStateFromProps({ place }: Props, state: { place: string }) {
    return place === state.place ? null : { place, error: undefined };
  }

  render() {
    const { error } = this.state;
    if (!error) {
      return this.props.children;
    }
    const missing = isMissingCode(error);
    return (
      <Alert severity="error" title={missing ? 'Part of this page failed to load' : 'This page has failed'}>
        <p>{missing ? 'Ausguck cannot be reached or has been upgraded since you opened this page. Reload the page.' : error.message}</p>
        <Button onClick={() => window.location.reload()} icon="sync">
          Reload the page
        </Button>
      </Alert>
    );
  }
}

/** Each browser has its own message for a module that failed to load. */
export function isMissingCode(error: Error): boolean {
  return /dynamically imported module|importing a module script|unable to preload|failed to load module|error loading/i.test(error.message);
}
