// What a program may keep from one request to the next, where there are requests: the case's own request makes others to the same worker,
// which entries/workerd.ts hands over to `answer`.
import { Client } from './client.ts'
import { Case, group, ok, same, sleep, world } from './kit.ts'

const test = group('from one request to the next', ['requests'])

let kept: { client: Client; session: Uint8Array } | undefined

const open = async (t: Case, session?: Uint8Array): Promise<Client> => {
  const { pipes, peers } = world()
  const client = new Client(t, await pipes.native.dial(peers.node24.good), { engine: { session } })
  await client.secure()
  return client
}

/** Answers the requests of the cases below. */
export async function answer(path: string): Promise<string> {
  const t = new Case()
  if (path === '/keep') {
    const client = await open(t)
    await client.info()
    kept = { client, session: (await client.eventOf('session')).session }
    return 'kept'
  }
  if (path === '/resume') {
    const client = await open(t, kept!.session)
    const { resumed } = await client.info()
    await client.close()
    return String(resumed)
  }
  const patience = sleep(1000).then(() => 'silence')
  const outcome = await Promise.race([kept!.client.info().then(() => 'an answer'), patience]).catch((error: Error) => error.message)
  kept!.client.poller.destroy()
  return outcome
}

const ask = async (path: string): Promise<string> => (await fetch(new URL(path, world().worker))).text()

test('a session is kept and resumed', async () => {
  same(await ask('/keep'), 'kept')
  same(await ask('/resume'), 'true')
  await ask('/use')
})

test('a connection is not: whoever uses it is told so', async (t) => {
  same(await ask('/keep'), 'kept')
  const outcome = await ask('/use')
  t.note = outcome
  ok(outcome.includes('different request'), outcome)
})
