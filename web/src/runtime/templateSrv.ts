import type { ScopedVars, TimeRange, TypedVariableModel } from '@grafana/data';
import type { TemplateSrv, VariableInterpolation } from '@grafana/runtime';
import { sceneGraph, type SceneObject } from '@grafana/scenes';

declare global {
  interface Window {
    __grafanaSceneContext?: SceneObject;
  }
}

/** Interpolates with the scene named in the scoped variables, or else the current one. */
export class Templates implements TemplateSrv {
  getVariables(): TypedVariableModel[] {
    const scene = window.__grafanaSceneContext;
    const set = scene?.state.$variables;
    return (set?.state.variables ?? []).map(
      (v) => ({ name: v.state.name, type: v.state.type, label: v.state.label, current: { value: v.getValue() } }) as unknown as TypedVariableModel
    );
  }

  replace(target?: string, scopedVars?: ScopedVars, format?: string | Function, interpolations?: VariableInterpolation[]): string {
    if (!target) {
      return target ?? '';
    }
    const scene = (scopedVars?.__sceneObject?.value as { valueOf(): SceneObject } | undefined)?.valueOf() ?? window.__grafanaSceneContext;
    if (!scene) {
      return target;
    }
    // scenes declares its own function type for the format; both take (value, variable).
    return sceneGraph.interpolate(scene, target, scopedVars, format as string, interpolations);
  }

  containsTemplate(target?: string): boolean {
    return target !== undefined && /\$\w+|\$\{[^}]+\}|\[\[[^\]]+\]\]/.test(target);
  }

  updateTimeRange(_: TimeRange) {}
}
