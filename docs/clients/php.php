<?php // PHP, ext-soap. Как запустить — README.md; аргументы: адрес, логин, OID МО, файл документа.

[, $address, $login, $oid, $path] = $argv;
$options = [
    'login' => $login,
    'password' => getenv('GATEWAY_PASSWORD'),
    'soap_version' => str_ends_with($address, 'soap12') ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE, // в рабочей системе — WSDL_CACHE_DISK
    'features' => SOAP_SINGLE_ELEMENT_ARRAYS, // список из одного элемента тоже массив
];
[$journal, $control, $intake] = array_map(
    fn($name) => new SoapClient("$address/$name?wsdl", $options), ['journal', 'control', 'intake']);

foreach ($journal->ListServices(['groupCode' => 'tfoms'])->result->services->service as $service) {
    echo "сервис $service->code\n";
}

$source = [
    'objectId' => basename($path, '.xml'),
    'objectType' => 'Referral',
    'changedAt' => date('c'),
    'contentBase64' => file_get_contents($path), // в base64 переводит ext-soap
];
$submitted = $intake->SubmitObjects(
    ['serviceCode' => 'tfoms-hosp', 'organizationOid' => $oid, 'objects' => ['object' => [$source]]]);
foreach ($submitted->result->outcomes->outcome as $outcome) {
    echo "документ $outcome->objectId $outcome->result\n";
}

$started = $control->StartService(
    ['serviceCode' => 'tfoms-hosp', 'organizationOids' => ['organizationOid' => [$oid]]]);
[$launchId] = $started->result->launchIds->launchId;
while (($launch = $journal->GetLaunch(['launchId' => $launchId])->result)->result === 'RUNNING') {
    sleep(1);
}
echo "запуск $launch->result\n";

foreach ($journal->ListPackets(['launchId' => $launchId])->result->packets->packet as $packet) {
    echo "пакет $packet->packetType $packet->status\n";
}

try {
    $control->StartService(['serviceCode' => 'no-such-service']);
} catch (SoapFault $fault) {
    $told = $fault->detail->gatewayFault;
    echo "отказ $told->code $told->message\n";
}
