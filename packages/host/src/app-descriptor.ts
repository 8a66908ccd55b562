import type { AppModel } from '@aep/model';

type Editable<T> = T extends string | number | boolean | null ? T : { -readonly [K in keyof T]: Editable<T[K]> };

/**
 * The app's part of the model, as its main class may still edit it before the engine is made (E1). A copy: the model
 * itself is frozen, and other apps see the model.
 */
export type AppDescriptor = Editable<AppModel>;

export function editableDescriptor(app: AppModel): AppDescriptor {
  return structuredClone(app) as AppDescriptor;
}
