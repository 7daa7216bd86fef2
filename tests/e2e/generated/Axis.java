// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// Over the classes that Axis 1.4 makes of the served WSDL: Axis URL ORGANIZATION SERVICE BOOK-ID. "step status error" a line.
import java.net.URL;
import java.util.GregorianCalendar;
import ru.rtlabs.epgu.equeue.ws.*;

public class Axis {
    static void say(String step, Status status, ru.rtlabs.epgu.equeue.ws.Error error) {
        System.out.println(step + " " + (status == null ? "-" : status.getStatusCode()) + " " + error.getErrorDetail().getErrorCode());
    }

    static Predicate anyHour() {
        SimplePredicate simple = new SimplePredicate();
        simple.setAttributeName("HOUR");
        simple.setCondition(Condition.greaterThanOrEquals);
        simple.setValue("0");
        Predicate sub = new Predicate(), out = new Predicate();
        sub.setSimple(simple);
        LogicalUnionPredicate all = new LogicalUnionPredicate();
        all.setUnionKind(UnionKind.AND);
        all.setSubs(new Predicate[] {sub});
        out.setUnion(all);
        return out;
    }

    static void book(EqueuePortType port, String step, String[] args, String slot, boolean preliminary) throws Exception {
        UserDocument document = new UserDocument();
        document.setDocType("PASSPORT");
        document.setDocSeries("4500");
        document.setDocNumber("123456");
        document.setIssueDate(new GregorianCalendar(2015, 4, 20, 12, 0).getTime());
        BookRequest q = new BookRequest();
        q.setBookId(args[3]);
        q.setSlotId(new String[] {slot});
        q.setOrganizationId(args[1]);
        q.setUserType(UserType.QUALIFIED);
        q.setUserKind(UserKind.PHYSIC);
        q.setEsiaId("1000000000");
        q.setLastName("Тестов");
        q.setFirstName("Тест");
        q.setEmail("test@example.com"); // no telephone
        q.setUserDoc(new UserDoc(document));
        q.setServiceId(new String[] {args[2]});
        q.setPreliminaryReservation(preliminary);
        if (preliminary)
            q.setPreliminaryReservationPeriod(60);
        BookResponse r = port.book(q);
        say(step, r.getStatus(), r.getError());
    }

    public static void main(String[] args) throws Exception {
        EqueuePortType port = new EqueueLocator().getEqueuePort(new URL(args[0]));
        say("getRefsList", null, port.getRefsList(new GetRefsListRequest()).getError());
        GetRefItemsListRequest page = new GetRefItemsListRequest();
        page.setRefName("services");
        page.setTreeFiltering(TreeFiltering.SUBTREE);
        page.setPageNum(1);
        page.setPageSize(1);
        GetRefItemsListResponse items = port.getRefItemsList(page);
        if (items.getItems().length != 1 || items.getTotalItems() < 2)
            throw new Exception("another page");
        say("getRefItemsList", null, items.getError());
        GetSlotsRequest q = new GetSlotsRequest();
        q.setOrganizationId(new String[] {args[1]});
        q.setUserType(UserType.QUALIFIED);
        q.setUserKind(UserKind.PHYSIC);
        q.setEsiaId("1000000000");
        q.setServiceId(new String[] {args[2]});
        q.setFilter(anyHour());
        GetSlotsResponse free = port.getSlots(q);
        say("getSlots", null, free.getError());
        String first = free.getSlots()[0].getSlotId(), second = free.getSlots()[1].getSlotId();
        book(port, "hold", args, first, true);
        book(port, "book", args, first, false);
        book(port, "move", args, second, false);
        GetBookingStatusResponse status = port.getBookingStatus(new GetBookingStatusRequest(args[3], "1000000000"));
        if (!status.getTimeSlot(0).getSlotId().equals(second))
            throw new Exception("another interval");
        say("status", status.getStatus(), status.getError());
        CancelBookingResponse cancelled = port.cancelBooking(new CancelBookingRequest(args[3], "1000000000"));
        say("cancel", cancelled.getStatus(), cancelled.getError());
    }
}
