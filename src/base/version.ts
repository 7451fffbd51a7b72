/** The version of this library, as both manifests have it. */
export const VERSION = "0.1.0";
