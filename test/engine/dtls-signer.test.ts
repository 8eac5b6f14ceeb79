// A private key somewhere else, over datagrams: both ways to sign, and what the retransmission timer does while a handshake is parked.
import { createPrivateKey } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { DtlsContextOptions, Role, SignRequest } from '../../src/index.ts'
import type { KeyType } from '../../src/x509/index.ts'
import { client, keyOf, root, server } from '../support/certs.ts'
import { makeDtlsPair, storm, type DtlsPair, type DtlsSide, type Weather } from '../support/datagrams.ts'
import { nodeSign, nodeSigner } from '../support/signers.ts'
import { suite, type Case } from '../support/suite.ts'

const ROLES: readonly Role[] = ['server', 'client']
const TYPES = ['RSA-2048', 'P-256', 'P-384'] as const satisfies readonly KeyType[]

interface Setting {
  role: Role
  type?: KeyType
  signer: DtlsContextOptions['signer']
  weather?: Weather
}

/** Two engines; the one in `role` has the signer, and comes second. */
function signedPair(t: Case, { role, type = 'P-256', signer, weather }: Setting): [pair: DtlsPair, own: DtlsSide] {
  const { cert } = role === 'server' ? server(type) : client(type)
  const signing = { cert, key: undefined, signer }
  const pair = t.own(
    makeDtlsPair({
      client: role === 'client' ? signing : {},
      server: role === 'server' ? signing : { ca: root().cert },
      serverEngine: { clientCertificate: role === 'client' ? 'require' : 'none' },
      weather,
    }),
  )
  return [pair, role === 'server' ? pair.server : pair.client]
}

const sign = (type: KeyType, request: SignRequest) => nodeSign(createPrivateKey(keyOf(type)), request)

/** Resumes a side that waits for a signature. */
function answer(own: DtlsSide, type: KeyType = 'P-256'): void {
  assert.is(own.status, 'want-callback')
  assert.is(own.eventsOf('sign').length, 1)
  own.engine.resume({ signature: sign(type, own.eventsOf('sign')[0]!.request) })
}

const test = suite('dtls: signer')

for (const type of TYPES) {
  for (const role of ROLES) {
    test(`a function, ${type}, ${role}`, (t) => {
      const requests: SignRequest[] = []
      const [pair, own] = signedPair(t, { role, type, signer: nodeSigner(keyOf(type), requests) })
      pair.establish()
      assert.equal(requests.map(({ scheme }) => scheme), [own.engine.agreed!.signatureScheme])
      pair.send(pair.client, 'ping')
      assert.equal(pair.server.texts, ['ping'])
    })

    test(`an event, ${type}, ${role}`, (t) => {
      const [pair, own] = signedPair(t, { role, type, signer: 'event' })
      pair.run()
      answer(own, type)
      pair.establish()
      pair.send(pair.client, 'ping')
      assert.equal(pair.server.texts, ['ping'])
    })
  }
}

for (const role of ROLES) {
  test(`timeouts while it is parked ask for nothing more: ${role}`, (t) => {
    const [pair, own] = signedPair(t, { role, signer: 'event' })
    pair.run()
    for (let i = 0; i < 4; i++) {
      pair.waitForTimeout()
      pair.run()
    }
    answer(own)
    pair.establish()
    pair.send(pair.client, 'ping')
    assert.equal(pair.server.texts, ['ping'])
  })

  for (let seed = 1; seed <= 8; seed++) {
    test(`parked in bad weather: ${role}, seed ${seed}`, (t) => {
      const [pair, own] = signedPair(t, { role, signer: 'event', weather: storm(seed, { loss: 15, doubling: 15, delay: 30 }) })
      const parks = () => pair.run() && own.status === 'want-callback'
      for (let tries = 0; !parks() && tries < 60; tries++) pair.waitForTimeout()
      answer(own)
      pair.establish()
    })
  }
}
