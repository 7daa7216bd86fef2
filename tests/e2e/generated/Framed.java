// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// Over the classes that wsimport makes of the WSDL of a revision of SMEV: Framed XSD. Commands come a line each: "ask METHOD NAME=VALUE..." is
// answered with the method's element in its frame, unsigned; "read ELEMENT" of an answer with "method frame's-status status error", once it is
// valid by the schema at XSD. The test writes the revision into this file.
import java.io.*;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.GregorianCalendar;
import javax.xml.XMLConstants;
import javax.xml.bind.*;
import javax.xml.datatype.DatatypeFactory;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;
import org.w3c.dom.*;
import ru.gosuslugi.smev.@REVISION@.*;
import ru.rtlabs.epgu.equeue.ws.*;

public class Framed {
    static final String NS = "http://epgu.rtlabs.ru/equeue/ws/";
    static JAXBContext context;

    static OrgExternalType party(String code, String name) {
        OrgExternalType out = new OrgExternalType();
        out.setCode(code);
        out.setName(name);
        return out;
    }

    static String ask(String[] words) throws Exception {
        MessageType message = new MessageType();
        message.setSender(party("PGU001001", "ЕПГУ"));
        message.setRecipient(party("AAAA00001", "Агентство"));
        message.setTypeCode(TypeCodeType.GSRV);
        message.setStatus(ru.gosuslugi.smev.@REVISION@.StatusType.REQUEST);
        message.setDate(DatatypeFactory.newInstance().newXMLGregorianCalendar(new GregorianCalendar()));
        message.setExchangeType("2");
        AppDataType parameters = new AppDataType();
        for (int i = 2; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);
            parameters.getAny().add(new JAXBElement<>(new QName(NS, pair[0]), String.class, pair[1]));
        }
        MessageDataType data = new MessageDataType();
        data.setAppData(parameters);
        Frame frame = new Frame();
        frame.setMessage(message);
        frame.setMessageData(data);
        Marshaller marshaller = context.createMarshaller();
        marshaller.setProperty(Marshaller.JAXB_FRAGMENT, true);
        StringWriter out = new StringWriter();
        marshaller.marshal(new JAXBElement<>(new QName(NS, words[1] + "Request"), Frame.class, frame), out);
        return out.toString();
    }

    static String read(String text, javax.xml.validation.Schema schema) throws Exception {
        Unmarshaller strict = context.createUnmarshaller();
        strict.setSchema(schema);
        strict.setEventHandler(event -> false); // whatever is wrong is an error
        JAXBElement<?> answer = (JAXBElement<?>) strict.unmarshal(new StreamSource(new StringReader(text)));
        Frame frame = (Frame) answer.getValue();
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document document = factory.newDocumentBuilder().newDocument();
        org.w3c.dom.Element whole = document.createElementNS(NS, answer.getName().getLocalPart());
        for (Object part : frame.getMessageData().getAppData().getAny())
            whole.appendChild(document.importNode((Node) part, true));
        String name = answer.getName().getLocalPart();
        Class<?> type = Class.forName("ru.rtlabs.epgu.equeue.ws." + name.substring(0, 1).toUpperCase() + name.substring(1));
        Object inside = context.createUnmarshaller().unmarshal(whole, type).getValue();
        Status status = null;
        if (!name.startsWith("get") || name.startsWith("getBookingStatus"))
            status = (Status) type.getMethod("getStatus").invoke(inside);
        ru.rtlabs.epgu.equeue.ws.Error error = (ru.rtlabs.epgu.equeue.ws.Error) type.getMethod("getError").invoke(inside);
        return name + " " + frame.getMessage().getStatus() + " " + (status == null ? "-" : status.getStatusCode()) + " "
            + error.getErrorDetail().getErrorCode();
    }

    public static void main(String[] args) throws Exception {
        context = JAXBContext.newInstance("ru.gosuslugi.smev.@REVISION@:ru.rtlabs.epgu.equeue.ws");
        javax.xml.validation.Schema schema = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new URL(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (String line; (line = in.readLine()) != null;)
            out.println(line.startsWith("ask ") ? ask(line.split(" ")) : read(line.substring("read ".length()), schema));
    }
}
