// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// Over the classes that .NET's wsdl, as Mono has it, makes of the served WSDL: Mono.exe URL ORGANIZATION SERVICE BOOK-ID.
// "step status error" a line.
using System;

public class Mono {
    static void Say(string step, Status status, Error error) {
        Console.WriteLine("{0} {1} {2}", step, status == null ? "-" : status.statusCode, error.errorDetail.errorCode);
    }

    static Predicate AnyHour() {
        var simple = new SimplePredicate { attributeName = "HOUR", condition = Condition.greaterThanOrEquals, conditionSpecified = true, value = "0" };
        return new Predicate { Item = new LogicalUnionPredicate { unionKind = UnionKind.AND, subs = new[] { new Predicate { Item = simple } } } };
    }

    static void Book(Equeue port, string step, string[] args, string slot, bool preliminary) {
        var document = new UserDocument { docType = "PASSPORT", docSeries = "4500", docNumber = "123456", issueDate = new DateTime(2015, 5, 20),
                                          issueDateSpecified = true };
        var answer = port.book(new BookRequest {
            bookId = args[3], slotId = new[] { slot }, organizationId = args[1], userType = UserType.QUALIFIED, userKind = UserKind.PHYSIC,
            esiaId = "1000000000", lastName = "Тестов", firstName = "Тест", email = "test@example.com", mobilePhone = "+79000000000",
            userDoc = new UserDoc { Document = document }, serviceId = new[] { args[2] }, preliminaryReservation = preliminary,
            preliminaryReservationPeriod = 60, preliminaryReservationPeriodSpecified = preliminary });
        Say(step, answer.status, answer.error);
    }

    public static void Main(string[] args) {
        var port = new Equeue { Url = args[0] };
        Say("getRefsList", null, port.getRefsList(new GetRefsListRequest()).error);
        var items = port.getRefItemsList(new GetRefItemsListRequest { refName = "services", treeFiltering = TreeFiltering.SUBTREE, pageNum = 1, pageSize = 1 });
        if (items.items.Length != 1 || items.totalItems < 2)
            throw new Exception("another page");
        Say("getRefItemsList", null, items.error);
        var free = port.getSlots(new GetSlotsRequest { organizationId = new[] { args[1] }, userType = UserType.QUALIFIED, userKind = UserKind.PHYSIC,
                                                       esiaId = "1000000000", serviceId = new[] { args[2] }, filter = AnyHour() });
        Say("getSlots", null, free.error);
        Book(port, "hold", args, free.slots[0].slotId, true);
        Book(port, "book", args, free.slots[0].slotId, false);
        Book(port, "move", args, free.slots[1].slotId, false);
        var status = port.getBookingStatus(new GetBookingStatusRequest { bookId = args[3], esiaId = "1000000000" });
        if (status.timeSlot[0].slotId != free.slots[1].slotId)
            throw new Exception("another interval");
        Say("status", status.status, status.error);
        var cancelled = port.cancelBooking(new CancelBookingRequest { bookId = args[3], esiaId = "1000000000" });
        Say("cancel", cancelled.status, cancelled.error);
    }
}
