export type TextTransform = string | ((text: ReadableStream<string>) => ReadableStream<string>);
export function resolveTextTransforms(_list: readonly TextTransform[] | null): ((text: ReadableStream<string>) => ReadableStream<string>)[] { return []; }
