// Peers come from packages that only `./build.sh bench` installs, so their types are not there when this is compiled: an adapter says
// what it uses of them.
import { Cannot } from '../work.ts'

export async function load<Module>(name: string): Promise<Module> {
  try {
    return (await import(name)) as Module
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') throw new Cannot(`${name} is not installed: ./build.sh bench`)
    throw error
  }
}
