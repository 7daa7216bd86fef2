// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// The npm package `soap`, as it is: node client.js WSDL ORGANIZATION SERVICE BOOK-ID. One line of JSON a step.
'use strict';
const soap = require('soap');

async function main(wsdl, organization, service, bookId) {
    const client = await soap.createClientAsync(wsdl);
    const esia = { esiaId: '1000000000' };
    const say = (step, [answer]) => {
        console.log(JSON.stringify({ step, answer }));
        return answer;
    };
    say('getRefsList', await client.getRefsListAsync({}));
    const slots = say('getSlots', await client.getSlotsAsync({
        organizationId: [organization], userType: 'QUALIFIED', userKind: 'PHYSIC', ...esia, serviceId: [service],
    })).slots.TimeSlot;
    const book = (slotId, preliminary) => client.bookAsync({
        bookId, slotId: [slotId], organizationId: organization, userType: 'QUALIFIED', userKind: 'PHYSIC', ...esia,
        lastName: 'Тестов', firstName: 'Тест <&> "кавычки"', serviceId: [service], preliminaryReservation: preliminary,
        ...(preliminary ? { preliminaryReservationPeriod: 60 } : {}),
    });
    say('hold', await book(slots[0].slotId, true));
    say('book', await book(slots[0].slotId, false));
    say('move', await book(slots[1].slotId, false));
    say('status', await client.getBookingStatusAsync({ bookId, ...esia }));
    say('update', await client.updateBookingDetailsAsync({ bookId, ...esia, timeslot: slots[0], status: { statusCode: '201' } }));
    say('cancel', await client.cancelBookingAsync({ bookId, ...esia }));
    try {
        await client.bookAsync({ bookId, nonsense: 1 });
    } catch (e) {
        console.log(JSON.stringify({ step: 'fault', code: e.root && e.root.Envelope.Body.Fault.faultcode }));
    }
}

main(...process.argv.slice(2)).catch((e) => {
    console.error(e.message);
    process.exit(1);
});
