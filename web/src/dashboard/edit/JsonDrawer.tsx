import { Alert, Button, Drawer, Stack } from '@grafana/ui';
import { useState } from 'react';
import type { Dashboard } from '@grafana/schema';

import type { DashboardScene } from '../scene/DashboardScene';
import { copyText } from '../scene/panelActions';
import { withModel } from './changes';
import { JsonEditor } from './JsonEditor';
import { problemsOf } from './validate';

interface Props {
  scene: DashboardScene;
  replace: (scene: DashboardScene) => void;
  onClose: () => void;
}

/** Shows the dashboard as JSON for reading, copying and editing. */
export default function JsonDrawer({ scene, replace, onClose }: Props) {
  const [text, setText] = useState(() => JSON.stringify(scene.state.model, null, 2));
  const [problems, setProblems] = useState<string[]>([]);
  const readOnly = !scene.mayEdit;
  const apply = () => {
    const found = problemsOf(text);
    setProblems(found);
    if (found.length === 0) {
      replace(withModel(scene, JSON.parse(text) as Dashboard, 'Edit the JSON'));
      onClose();
    }
  };
  return (
    <Drawer title="Dashboard JSON" size="lg" onClose={onClose}>
      <Stack direction="column" gap={2}>
        <JsonEditor value={text} onChange={setText} readOnly={readOnly} height="70vh" />
        {problems.length > 0 && (
          <Alert severity="error" title="This is not a valid dashboard">
            <ul>
              {problems.map((p) => (
                <li key={p}>{p}</li>
              ))}
            </ul>
          </Alert>
        )}
        <Stack direction="row" gap={1}>
          {!readOnly && (
            <Button onClick={apply} data-testid="apply-json">
              Apply
            </Button>
          )}
          <Button variant="secondary" icon="copy" onClick={() => copyText(text, 'JSON copied')}>
            Copy
          </Button>
          <Button variant="secondary" onClick={onClose}>
            Close
          </Button>
        </Stack>
      </Stack>
    </Drawer>
  );
}
