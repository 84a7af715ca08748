// C#, классы wsdl.exe. Как запустить — README.md; аргументы: адрес, логин, OID МО, файл документа.

using System;
using System.IO;
using System.Net;
using System.Threading;
using System.Web.Services.Protocols;
using Gateway.Control;
using Gateway.Intake;
using Gateway.Journal;

static class Program
{
    static T SignedIn<T>(T client, string url, string login) where T : SoapHttpClientProtocol
    {
        client.Url = url;
        client.SoapVersion = url.Contains("/soap12/") ? SoapProtocolVersion.Soap12 : SoapProtocolVersion.Soap11;
        client.Credentials = new NetworkCredential(login, Environment.GetEnvironmentVariable("GATEWAY_PASSWORD"));
        client.PreAuthenticate = true;
        return client;
    }

    static void Main(string[] given)
    {
        string address = given[0], login = given[1], oid = given[2], path = given[3];
        var journal = SignedIn(new JournalService(), $"{address}/journal", login);
        var control = SignedIn(new ControlService(), $"{address}/control", login);
        var intake = SignedIn(new IntakeService(), $"{address}/intake", login);

        foreach (var service in journal.ListServices("tfoms", null).services)
            Console.WriteLine($"сервис {service.code}");

        var source = new SourceObject {
            objectId = Path.GetFileNameWithoutExtension(path),
            objectType = "Referral",
            changedAt = DateTime.UtcNow,
            contentBase64 = File.ReadAllBytes(path),
        };
        foreach (var outcome in intake.SubmitObjects("tfoms-hosp", oid, new[] { source }, null).outcomes)
            Console.WriteLine($"документ {outcome.objectId} {outcome.result}");

        string launchId = control.StartService("tfoms-hosp", new[] { oid }, null, null).launchIds[0];
        Launch launch;
        while ((launch = journal.GetLaunch(launchId, null)).result == LaunchResult.RUNNING)
            Thread.Sleep(1000);
        Console.WriteLine($"запуск {launch.result}");

        var any = default(DateTime); // у необязательных значений следом идёт признак, что значение задано: false
        var page = journal.ListPackets(launchId, any, false, any, false, null, null, null, null, false, false,
            null, null, any, false, null, null, null);
        foreach (var packet in page.packets)
            Console.WriteLine($"пакет {packet.packetType} {packet.status}");

        try
        {
            control.StartService("no-such-service", null, null, null);
        }
        catch (SoapException fault)
        {
            var told = fault.Detail["gatewayFault"];
            Console.WriteLine($"отказ {told["code"].InnerText} {told["message"].InnerText}");
        }
    }
}
