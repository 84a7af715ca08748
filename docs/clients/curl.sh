#!/bin/bash
# curl и xmllint. Как запустить — README.md; аргументы: адрес, логин, OID МО, файл документа.
set -euo pipefail
address=$1 login=$2 oid=$3 path=$4
password=$(printf '%s:%s' "$login" "$GATEWAY_PASSWORD" | base64 -w 0)

ask() { # служба, операция, аргументы операции: напечатать ответ
    local envelope=http://schemas.xmlsoap.org/soap/envelope/ action="urn:service-journal:$1:1:$2"
    local headers=(-H 'Content-Type: text/xml; charset=utf-8' -H "SOAPAction: \"$action\"")
    if [[ $address == */soap12 ]]; then
        envelope=http://www.w3.org/2003/05/soap-envelope
        headers=(-H "Content-Type: application/soap+xml; charset=utf-8; action=\"$action\"")
    fi
    curl -sS -H @<(echo "Authorization: Basic $password") "${headers[@]}" --data-binary @- "$address/$1" <<XML
<soap:Envelope xmlns:soap="$envelope"><soap:Body><$2 xmlns="urn:service-journal:$1:1">$3</$2></soap:Body></soap:Envelope>
XML
}

told() { # имена элементов: напечатать текст по этому пути
    xmllint --xpath "/$(printf "/*[local-name()='%s']" "$@")/text()" -
}

ask journal ListServices '<groupCode>tfoms</groupCode>' | told service code | sed 's/^/сервис /'

answer=$(ask intake SubmitObjects "<serviceCode>tfoms-hosp</serviceCode><organizationOid>$oid</organizationOid>
    <objects><object>
        <objectId>$(basename "$path" .xml)</objectId><objectType>Referral</objectType>
        <changedAt>$(date -u +%FT%TZ)</changedAt><contentBase64>$(base64 "$path")</contentBase64>
    </object></objects>")
echo "документ $(told outcome objectId <<<"$answer") $(told outcome result <<<"$answer")"

launch=$(ask control StartService "<serviceCode>tfoms-hosp</serviceCode>
    <organizationOids><organizationOid>$oid</organizationOid></organizationOids>" | told launchId)
while result=$(ask journal GetLaunch "<launchId>$launch</launchId>" | told result result); [ "$result" = RUNNING ]; do
    sleep 1
done
echo "запуск $result"

answer=$(ask journal ListPackets "<launchId>$launch</launchId>")
if [ "$(told result total <<<"$answer")" = 0 ]; then
    echo "пакетов нет: после прошлого запуска ничего не изменилось"
else
    echo "пакет $(told packet packetType <<<"$answer") $(told packet status <<<"$answer")"
fi

answer=$(ask control StartService '<serviceCode>no-such-service</serviceCode>')
echo "отказ $(told gatewayFault code <<<"$answer") $(told gatewayFault message <<<"$answer")"
