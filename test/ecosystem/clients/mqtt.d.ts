// What rows/mqtt.ts uses of MQTT.js.
declare module 'mqtt' {
  import type { EventEmitter } from 'node:events'
  import type { ConnectionOptions } from 'node:tls'

  export interface ClientOptions extends ConnectionOptions {
    protocol: 'mqtts'
    protocolVersion?: 4 | 5
    clientId?: string
    reconnectPeriod?: number
    manualConnect?: boolean
  }

  export interface MqttClient extends EventEmitter {
    subscribeAsync(topic: string, options?: { qos: 0 | 1 | 2 }): Promise<{ topic: string; qos: number }[]>
    publishAsync(topic: string, message: string | Buffer, options?: { qos: 0 | 1 | 2 }): Promise<unknown>
    endAsync(force?: boolean): Promise<void>
  }

  const mqtt: { connectAsync(options: ClientOptions, allowRetries?: boolean): Promise<MqttClient> }
  export default mqtt
}
