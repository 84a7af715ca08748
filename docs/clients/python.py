"""Python, zeep. Как запустить — README.md; аргументы: адрес, логин, OID МО, файл документа."""

import datetime
import os
import pathlib
import sys
import time

import requests
import zeep

address, login, oid, path = sys.argv[1:]
document = pathlib.Path(path)
session = requests.Session()
session.auth = (login.encode(), os.environ["GATEWAY_PASSWORD"].encode())
transport = zeep.Transport(session=session)
journal, control, intake = (
    zeep.Client(f"{address}/{name}?wsdl", transport=transport).service for name in ("journal", "control", "intake")
)

for service in journal.ListServices(groupCode="tfoms").services.service:
    print("сервис", service.code)

source = {
    "objectId": document.stem,
    "objectType": "Referral",
    "changedAt": datetime.datetime.now(datetime.UTC),
    "contentBase64": document.read_bytes(),
}
submitted = intake.SubmitObjects(serviceCode="tfoms-hosp", organizationOid=oid, objects={"object": [source]})
for outcome in submitted.outcome:
    print("документ", outcome.objectId, outcome.result)

(launch_id,) = control.StartService(serviceCode="tfoms-hosp", organizationOids={"organizationOid": [oid]}).launchId
while (launch := journal.GetLaunch(launchId=launch_id)).result == "RUNNING":
    time.sleep(1)
print("запуск", launch.result)

packets = journal.ListPackets(launchId=launch_id).packets
for packet in packets.packet if packets else []:  # пустой список zeep отдаёт как None
    print("пакет", packet.packetType, packet.status)
if not packets:
    print("пакетов нет: после прошлого запуска ничего не изменилось")

try:
    control.StartService(serviceCode="no-such-service")
except zeep.exceptions.Fault as fault:
    print("отказ", fault.detail.findtext(".//{*}code"), fault.detail.findtext(".//{*}message"))
