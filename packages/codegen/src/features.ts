/** What protobufjs' reflection objects have in common that is needed to look up an edition's features. */
export interface Optioned {
  readonly options?: Record<string, unknown> | null | undefined;
  readonly parent?: Optioned | null;
}

/** The value of an edition's feature that is set nearest to the object: on itself, on a message around it or on the file. */
export function featureOf(declared: Optioned, name: string): unknown {
  for (let object: Optioned | undefined = declared; object !== undefined; object = object.parent ?? undefined) {
    const features = object.options?.['features'];
    if (typeof features === 'object' && features !== null && name in features)
      return (features as Record<string, unknown>)[name];
  }
  return undefined;
}
