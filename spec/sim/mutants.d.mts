export declare const mutants: ReadonlyArray<{
  readonly name: string
  readonly file: string
  readonly text: string
  readonly by: string
}>
