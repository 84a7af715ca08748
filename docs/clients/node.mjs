// Node.js, пакет soap. Как запустить — README.md; аргументы: адрес, логин, OID МО, файл документа.

import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import soap from 'soap';

const [address, login, oid, path] = process.argv.slice(2);
const security = new soap.BasicAuthSecurity(login, process.env.GATEWAY_PASSWORD);
const connect = async (name) => {
  const client = await soap.createClientAsync(`${address}/${name}?wsdl`, { forceSoap12Headers: address.endsWith('soap12') });
  client.setSecurity(security);
  return client;
};
const [journal, control, intake] = await Promise.all(['journal', 'control', 'intake'].map(connect));

const [listed] = await journal.ListServicesAsync({ groupCode: 'tfoms' });
for (const service of listed.result.services.service) console.log('сервис', service.code);

const source = {
  objectId: basename(path, '.xml'),
  objectType: 'Referral',
  changedAt: new Date().toISOString(),
  contentBase64: readFileSync(path, 'base64'),
};
const [submitted] = await intake.SubmitObjectsAsync({
  serviceCode: 'tfoms-hosp', organizationOid: oid, objects: { object: [source] },
});
for (const outcome of submitted.result.outcomes.outcome) console.log('документ', outcome.objectId, outcome.result);

const [started] = await control.StartServiceAsync({
  serviceCode: 'tfoms-hosp', organizationOids: { organizationOid: [oid] },
});
const [launchId] = started.result.launchIds.launchId;
let launch;
while ((launch = (await journal.GetLaunchAsync({ launchId }))[0].result).result === 'RUNNING') await setTimeout(1000);
console.log('запуск', launch.result);

const [page] = await journal.ListPacketsAsync({ launchId });
for (const packet of page.result.packets.packet) console.log('пакет', packet.packetType, packet.status);

try {
  await control.StartServiceAsync({ serviceCode: 'no-such-service' });
} catch (error) {
  const fault = error.root.Envelope.Body.Fault;
  const { code, message } = (fault.detail ?? fault.Detail).gatewayFault; // SOAP 1.1 и 1.2
  console.log('отказ', code, message);
}
