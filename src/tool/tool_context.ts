/**
 * The tools of a request, put together from what users give.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { checkToolName } from "./define.ts";
import { toolsOf } from "./toolset_life.ts";
import type { AnyFunctionTool, AnyTool, ProviderTool, ToolContext, Toolset } from "./tool.ts";

/** Tools as users give them: a list, or an object whose keys name the tools that have no name. */
export type ToolsInput = readonly AnyTool[] | Readonly<Record<string, AnyTool>>;

/** No tools. */
export const NO_TOOLS: ToolContext = Object.freeze({ functionTools: new Map(), providerTools: [], toolsets: [] });

/**
 * Puts tools together. Toolsets are taken apart, depth first, and remembered; the same object twice counts once.
 *
 * @throws {AgentError} `tool.bad_definition` when two tools have one name, a tool has none, or something is no tool.
 *
 * @example
 * ```ts
 * const toolCtx = toolContext([weather, toolset({ id: "desk", tools: [book, cancel] })]);
 * [...toolCtx.functionTools.keys()]; // ["weather", "book", "cancel"]
 * ```
 */
export function toolContext(tools: ToolsInput): ToolContext {
  const functionTools = new Map<string, AnyFunctionTool>();
  const providerTools = new Set<ProviderTool>();
  const toolsets = new Set<Toolset>();
  const add = (tool: AnyTool): void => {
    switch (tool?.type) {
      case "function": {
        checkToolName(tool.name);
        const known = functionTools.get(tool.name);
        if (known !== undefined && known !== tool) {
          throw new AgentError(
            "tool.bad_definition",
            `Cannot use these tools together as each must have a name of its own: current value is two tools named ${tool.name}`,
          );
        }
        functionTools.set(tool.name, tool);
        break;
      }
      case "provider":
        providerTools.add(tool);
        break;
      case "toolset":
        if (toolsets.has(tool)) break;
        toolsets.add(tool);
        toolsOf(tool).forEach(add);
        break;
      default:
        throw new AgentError(
          "tool.bad_definition",
          `Cannot use these tools as each must be made by tool(), providerTool() or toolset(): current value is ${
            tool === null ? "null" : typeof tool
          }`,
        );
    }
  };
  for (const tool of isList(tools) ? tools : Object.entries(tools).map(([key, tool]) => named(key, tool))) add(tool);
  return { functionTools, providerTools: [...providerTools], toolsets: [...toolsets] };
}

/** Function tools in the order given, then provider tools. */
export function flattenTools(toolCtx: ToolContext): readonly (AnyFunctionTool | ProviderTool)[] {
  return [...toolCtx.functionTools.values(), ...toolCtx.providerTools];
}

/** Function tools by name, so that a request reads the same whatever the order was, and providers' caches hold. */
export function sortedTools(toolCtx: ToolContext): readonly AnyFunctionTool[] {
  return [...toolCtx.functionTools.values()].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Whether there is a function tool of that name, or a provider tool of that id. */
export function hasTool(toolCtx: ToolContext, id: string): boolean {
  return toolCtx.functionTools.has(id) || toolCtx.providerTools.some((tool) => tool.id === id);
}

/**
 * The same tools without some. The toolsets stay, since their life goes on.
 *
 * @example Tools that replies inside `onEnter` may use
 * ```ts
 * withoutTools(toolCtx, (tool) => tool.flags.ignoreOnEnter === true);
 * ```
 */
export function withoutTools(toolCtx: ToolContext, drop: (tool: AnyFunctionTool) => boolean): ToolContext {
  const kept = [...toolCtx.functionTools].filter(([, tool]) => !drop(tool));
  if (kept.length === toolCtx.functionTools.size) return toolCtx;
  return { ...toolCtx, functionTools: new Map(kept) };
}

/** Whether both hold the same objects under the same names, in whatever order. A toolset is not the same as its tools. */
export function equalToolContexts(a: ToolContext, b: ToolContext): boolean {
  if (a === b) return true;
  return a.functionTools.size === b.functionTools.size &&
    [...a.functionTools].every(([name, tool]) => b.functionTools.get(name) === tool) &&
    sameMembers(a.providerTools, b.providerTools) && sameMembers(a.toolsets, b.toolsets);
}

function sameMembers(a: readonly unknown[], b: readonly unknown[]): boolean {
  const members = new Set(a);
  return members.size === new Set(b).size && b.every((member) => members.has(member));
}

/** Tools that were named by a key, so that the same tool under the same key is the same object each time. */
const namedTools = new WeakMap<AnyFunctionTool, Map<string, AnyFunctionTool>>();

function named(key: string, tool: AnyTool): AnyTool {
  if (tool?.type !== "function" || tool.name !== "") return tool;
  const known = namedTools.get(tool) ?? new Map<string, AnyFunctionTool>();
  namedTools.set(tool, known);
  const made = known.get(key) ?? Object.freeze({ ...tool, name: key });
  known.set(key, made);
  return made;
}

function isList(tools: ToolsInput): tools is readonly AnyTool[] {
  return Array.isArray(tools);
}
