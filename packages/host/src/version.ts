/** The version of this package, which members of a group tell each other (H14); a test compares it with package.json. */
export const HOST_VERSION = '0.1.0';
