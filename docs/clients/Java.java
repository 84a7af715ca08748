// Java, JAX-WS. Как запустить — README.md; аргументы: адрес, логин, OID МО, файл документа.

import gateway.control.ControlService;
import gateway.control.GatewayFault_Exception;
import gateway.control.OrganizationOidArray;
import gateway.intake.IntakeService;
import gateway.intake.SourceObject;
import gateway.intake.SourceObjectArray;
import gateway.journal.JournalService;
import gateway.journal.Launch;
import gateway.journal.LaunchResult;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.ws.BindingProvider;

public class Java {
    static <T> T signedIn(T port, String login) {
        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put(BindingProvider.USERNAME_PROPERTY, login);
        context.put(BindingProvider.PASSWORD_PROPERTY, System.getenv("GATEWAY_PASSWORD"));
        return port;
    }

    public static void main(String[] given) throws Exception {
        String address = given[0], login = given[1], oid = given[2];
        Path path = Path.of(given[3]);
        var journal = signedIn(new JournalService(new URL(address + "/journal?wsdl")).getJournalPort(), login);
        var control = signedIn(new ControlService(new URL(address + "/control?wsdl")).getControlPort(), login);
        var intake = signedIn(new IntakeService(new URL(address + "/intake?wsdl")).getIntakePort(), login);

        for (var service : journal.listServices("tfoms", null).getServices().getService())
            System.out.println("сервис " + service.getCode());

        var source = new SourceObject();
        source.setObjectId(path.getFileName().toString().replace(".xml", ""));
        source.setObjectType("Referral");
        source.setChangedAt(DatatypeFactory.newInstance().newXMLGregorianCalendar(Instant.now().toString()));
        source.setContentBase64(Files.readAllBytes(path));
        var objects = new SourceObjectArray();
        objects.getObject().add(source);
        for (var outcome : intake.submitObjects("tfoms-hosp", oid, objects, null).getOutcomes().getOutcome())
            System.out.println("документ " + outcome.getObjectId() + " " + outcome.getResult());

        var organizations = new OrganizationOidArray();
        organizations.getOrganizationOid().add(oid);
        var started = control.startService("tfoms-hosp", organizations, null, null);
        String launchId = started.getLaunchIds().getLaunchId().get(0);
        Launch launch;
        while ((launch = journal.getLaunch(launchId, null)).getResult() == LaunchResult.RUNNING)
            Thread.sleep(1000);
        System.out.println("запуск " + launch.getResult());

        var page = journal.listPackets(
            launchId, null, null, null, null, null, null, null, null, null, null, null, null, null);
        for (var packet : page.getPackets().getPacket())
            System.out.println("пакет " + packet.getPacketType() + " " + packet.getStatus());

        try {
            control.startService("no-such-service", null, null, null);
        } catch (GatewayFault_Exception fault) {
            var told = fault.getFaultInfo();
            System.out.println("отказ " + told.getCode() + " " + told.getMessage());
        }
    }
}
