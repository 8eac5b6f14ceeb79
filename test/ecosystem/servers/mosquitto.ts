// Mosquitto, an MQTT broker with three listeners: for everybody, for those with a certificate, for those with a pre-shared key. Who shows
// one of those is called by the name in it, and may write only below that name.
import { certificates, type Server } from '../server.ts'

export interface MosquittoFacts {
  port: number
  mutualPort: number
  pskPort: number
  /** It has a line for each client, with its user. */
  log: string
}

export const PSK = { identity: 'thing', key: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' }

export const mosquitto: Server<MosquittoFacts> = {
  name: 'mosquitto',
  packages: ['mosquitto'],
  async start(stage) {
    const [port, mutualPort, pskPort] = (await stage.ports(3)) as [number, number, number]
    const { ca, server } = certificates()
    const identity = `certfile ${stage.write('cert.pem', server.cert, 'nobody')}
keyfile ${stage.write('key.pem', server.key, 'nobody')}`
    const configuration = `
per_listener_settings true
log_dest stderr
log_type notice
log_type information
connection_messages true
max_queued_messages 0

listener ${port} 127.0.0.1
allow_anonymous true
max_packet_size 268435455
${identity}

listener ${mutualPort} 127.0.0.1
${identity}
cafile ${stage.write('ca.pem', ca, 'nobody')}
require_certificate true
use_identity_as_username true
acl_file ${stage.write('access', 'pattern readwrite %u/#\n', 'nobody')}

listener ${pskPort} 127.0.0.1
psk_hint any
psk_file ${stage.write('psk', `${PSK.identity}:${PSK.key}\n`, 'nobody')}
use_identity_as_username true
acl_file ${stage.path('access')}
`
    const file = stage.write('conf', configuration, 'nobody')
    await stage.daemon('mosquitto', ['-c', file], { as: 'nobody', ready: /mosquitto version .* running/ })
    return { port, mutualPort, pskPort, log: stage.log }
  },
}
