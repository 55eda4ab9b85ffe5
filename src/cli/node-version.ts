/** The oldest Node that runs this, as in `engines` of package.json. Imports nothing: older ones must be able to read it. */
export const oldestNode = '22.19';

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}
