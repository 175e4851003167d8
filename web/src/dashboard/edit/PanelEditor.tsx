export default function PanelEditor(_: { scene: unknown; panelKey: string; replace: unknown }) {
  return null;
}
