#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""Python's suds, as it is: client.py WSDL ORGANIZATION SERVICE BOOK-ID. "step status error" a line."""
import sys

from suds.client import Client

wsdl, organization, service, book_id = sys.argv[1:]
client = Client(wsdl, cache=None)
who = {"userType": "QUALIFIED", "userKind": "PHYSIC", "esiaId": "1000000000"}


def say(step, answer):
    status = getattr(answer, "status", None)
    print(step, status.statusCode if status else "-", answer.error.errorDetail.errorCode)
    return answer


def any_hour():
    simple, inner, union, out = (client.factory.create("{http://epgu.rtlabs.ru/equeue/ws/}" + name) for name in
                                 ("SimplePredicate", "Predicate", "LogicalUnionPredicate", "Predicate"))
    simple.attributeName, simple.condition, simple.checkAllValues, simple.value = "HOUR", "greaterThanOrEquals", False, "0"
    inner.simple = simple
    union.unionKind, union.subs = "AND", [inner]
    out.union = union
    return out


def book(step, slot, preliminary):
    document = {"docType": "PASSPORT", "docSeries": "4500", "docNumber": "123456", "issueDate": "2015-05-20"}
    more = {"preliminaryReservationPeriod": 60} if preliminary else {}
    say(step, client.service.book(bookId=book_id, slotId=[slot], organizationId=organization, lastName="Тестов", firstName="Тест",
                                  mobilePhone="+79000000000", email="test@example.com", userDoc={"Document": document}, serviceId=[service],
                                  preliminaryReservation=preliminary, **who, **more))


say("getRefsList", client.service.getRefsList())
items = say("getRefItemsList", client.service.getRefItemsList(refName="services", treeFiltering="SUBTREE", pageNum=1, pageSize=1))
assert len(items["items"]) == 1 and int(items.totalItems) >= 2
slots = say("getSlots", client.service.getSlots(organizationId=[organization], serviceId=[service], filter=any_hour(), **who)).slots.TimeSlot
book("hold", slots[0].slotId, True)
book("book", slots[0].slotId, False)
book("move", slots[1].slotId, False)
status = say("status", client.service.getBookingStatus(bookId=book_id, esiaId="1000000000"))
assert status.timeSlot[0].slotId == slots[1].slotId
say("cancel", client.service.cancelBooking(bookId=book_id, esiaId="1000000000"))
