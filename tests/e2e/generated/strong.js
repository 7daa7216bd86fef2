// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// The npm package strong-soap, as it is: node strong.js WSDL ORGANIZATION SERVICE BOOK-ID. "step status error" a line.
'use strict';
const { soap } = require('strong-soap');

async function main(wsdl, organization, service, bookId) {
    const client = await new Promise((good, bad) => soap.createClient(wsdl, {}, (e, c) => (e ? bad(e) : good(c))));
    const call = async (step, method, request) => {
        const { result } = await client[method]({ [method + 'Request']: request });
        console.log(step, result.status ? result.status.statusCode : '-', result.error.errorDetail.errorCode);
        return result;
    };
    const who = { userType: 'QUALIFIED', userKind: 'PHYSIC', esiaId: '1000000000' };
    const hour = { simple: { attributeName: 'HOUR', condition: 'greaterThanOrEquals', checkAllValues: false, value: '0' } };
    await call('getRefsList', 'getRefsList', {});
    const items = await call('getRefItemsList', 'getRefItemsList', { refName: 'services', treeFiltering: 'SUBTREE', pageNum: 1, pageSize: 1 });
    if ([].concat(items.items).length !== 1 || !(items.totalItems >= 2)) throw new Error('another page');
    const slots = (await call('getSlots', 'getSlots', {
        organizationId: [organization], ...who, serviceId: [service], filter: { union: { unionKind: 'AND', subs: [hour] } },
    })).slots.TimeSlot;
    const book = (step, slot, preliminary) => call(step, 'book', {
        bookId, slotId: [slot], organizationId: organization, ...who, lastName: 'Тестов', firstName: 'Тест',
        mobilePhone: '+79000000000', email: 'test@example.com', serviceId: [service],
        userDoc: { Document: { docType: 'PASSPORT', docSeries: '4500', docNumber: '123456', issueDate: '2015-05-20' } },
        preliminaryReservation: preliminary, ...(preliminary ? { preliminaryReservationPeriod: 60 } : {}),
    });
    await book('hold', slots[0].slotId, true);
    await book('book', slots[0].slotId, false);
    await book('move', slots[1].slotId, false);
    const key = { bookId, esiaId: '1000000000' };
    const status = await call('status', 'getBookingStatus', key);
    if ([].concat(status.timeSlot)[0].slotId !== slots[1].slotId) throw new Error('another interval');
    await call('cancel', 'cancelBooking', key);
}

main(...process.argv.slice(2)).catch((e) => {
    console.error(e.message, e.body || '');
    process.exit(1);
});
