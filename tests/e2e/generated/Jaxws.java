// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// Over the classes that wsimport makes of the served WSDL: Jaxws WSDL ORGANIZATION SERVICE BOOK-ID. "step status error" a line.
import java.net.URL;
import javax.xml.datatype.DatatypeConstants;
import javax.xml.datatype.DatatypeFactory;
import ru.rtlabs.epgu.equeue.ws.*;

public class Jaxws {
    static void say(String step, Status status, ru.rtlabs.epgu.equeue.ws.Error error) {
        System.out.println(step + " " + (status == null ? "-" : status.getStatusCode()) + " " + error.getErrorDetail().getErrorCode());
    }

    static UserDoc passport() throws Exception {
        UserDocument document = new UserDocument();
        document.setDocType("PASSPORT");
        document.setDocSeries("4500");
        document.setDocNumber("123456");
        document.setIssueDate(DatatypeFactory.newInstance().newXMLGregorianCalendarDate(2015, 5, 20, DatatypeConstants.FIELD_UNDEFINED));
        UserDoc out = new UserDoc();
        out.setDocument(document);
        return out;
    }

    static Predicate anyHour() {
        SimplePredicate simple = new SimplePredicate();
        simple.setAttributeName("HOUR");
        simple.setCondition(Condition.GREATER_THAN_OR_EQUALS);
        simple.setValue("0");
        LogicalUnionPredicate all = new LogicalUnionPredicate();
        all.setUnionKind(UnionKind.AND);
        Predicate sub = new Predicate(), out = new Predicate();
        sub.setSimple(simple);
        all.getSubs().add(sub);
        out.setUnion(all);
        return out;
    }

    static void book(EqueuePortType port, String step, String[] args, String slot, boolean preliminary) throws Exception {
        BookRequest q = new BookRequest();
        q.setBookId(args[3]);
        q.getSlotId().add(slot);
        q.setOrganizationId(args[1]);
        q.setUserType(UserType.QUALIFIED);
        q.setUserKind(UserKind.PHYSIC);
        q.setEsiaId("1000000000");
        q.setLastName("Тестов");
        q.setFirstName("Тест");
        q.setEmail("test@example.com");
        q.setMobilePhone("+79000000000");
        q.setUserDoc(passport());
        q.getServiceId().add(args[2]);
        q.setPreliminaryReservation(preliminary);
        if (preliminary)
            q.setPreliminaryReservationPeriod(60);
        BookResponse r = port.book(q);
        say(step, r.getStatus(), r.getError());
    }

    public static void main(String[] args) throws Exception {
        EqueuePortType port = new Equeue(new URL(args[0])).getEqueuePort();
        say("getRefsList", null, port.getRefsList(new GetRefsListRequest()).getError());
        GetRefItemsListRequest page = new GetRefItemsListRequest();
        page.setRefName("services");
        page.setTreeFiltering(TreeFiltering.SUBTREE);
        page.setPageNum(1);
        page.setPageSize(1);
        GetRefItemsListResponse items = port.getRefItemsList(page);
        if (items.getItems().size() != 1 || items.getTotalItems() < 2)
            throw new Exception("another page");
        say("getRefItemsList", null, items.getError());
        GetSlotsRequest q = new GetSlotsRequest();
        q.getOrganizationId().add(args[1]);
        q.setUserType(UserType.QUALIFIED);
        q.setUserKind(UserKind.PHYSIC);
        q.setEsiaId("1000000000");
        q.getServiceId().add(args[2]);
        q.setFilter(anyHour());
        GetSlotsResponse free = port.getSlots(q);
        say("getSlots", null, free.getError());
        String first = free.getSlots().getTimeSlot().get(0).getSlotId(), second = free.getSlots().getTimeSlot().get(1).getSlotId();
        book(port, "hold", args, first, true);
        book(port, "book", args, first, false);
        book(port, "move", args, second, false);
        GetBookingStatusRequest ask = new GetBookingStatusRequest();
        ask.setBookId(args[3]);
        ask.setEsiaId("1000000000");
        GetBookingStatusResponse status = port.getBookingStatus(ask);
        if (!status.getTimeSlot().get(0).getSlotId().equals(second))
            throw new Exception("another interval");
        say("status", status.getStatus(), status.getError());
        CancelBookingRequest cancel = new CancelBookingRequest();
        cancel.setBookId(args[3]);
        cancel.setEsiaId("1000000000");
        CancelBookingResponse cancelled = port.cancelBooking(cancel);
        say("cancel", cancelled.getStatus(), cancelled.getError());
    }
}
