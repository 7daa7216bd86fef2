<?php
// SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
// PHP's SoapClient, which knows a class by what it is mapped to: client.php WSDL ORGANIZATION SERVICE BOOK-ID. "step status error" a line.
[, $wsdl, $organization, $service, $bookId] = $argv;
$client = new SoapClient($wsdl, ['cache_wsdl' => WSDL_CACHE_NONE, 'exceptions' => true, 'features' => SOAP_SINGLE_ELEMENT_ARRAYS]);
$say = function (string $step, object $answer) {
    printf("%s %s %d\n", $step, $answer->status->statusCode ?? '-', $answer->error->errorDetail->errorCode);
    return $answer;
};
$who = ['userType' => 'QUALIFIED', 'userKind' => 'PHYSIC', 'esiaId' => '1000000000'];
$hour = ['simple' => ['attributeName' => 'HOUR', 'condition' => 'greaterThanOrEquals', 'checkAllValues' => false, 'value' => '0']];
$say('getRefsList', $client->getRefsList([]));
$items = $say('getRefItemsList', $client->getRefItemsList(['refName' => 'services', 'treeFiltering' => 'SUBTREE', 'pageNum' => 1, 'pageSize' => 1]));
if (count($items->items) !== 1 || $items->totalItems < 2) {
    throw new Exception('another page');
}
$slots = $say('getSlots', $client->getSlots($who + ['organizationId' => [$organization], 'serviceId' => [$service],
    'filter' => ['union' => ['unionKind' => 'AND', 'subs' => [$hour]]]]))->slots->TimeSlot;
$book = fn (string $step, string $slot, bool $preliminary) => $say($step, $client->book($who + [
    'bookId' => $bookId, 'slotId' => [$slot], 'organizationId' => $organization, 'lastName' => 'Тестов', 'firstName' => 'Тест',
    'mobilePhone' => '+79000000000', 'email' => 'test@example.com', 'serviceId' => [$service],
    'userDoc' => ['Document' => ['docType' => 'PASSPORT', 'docSeries' => '4500', 'docNumber' => '123456', 'issueDate' => '2015-05-20']],
    'preliminaryReservation' => $preliminary] + ($preliminary ? ['preliminaryReservationPeriod' => 60] : [])));
$book('hold', $slots[0]->slotId, true);
$book('book', $slots[0]->slotId, false);
$book('move', $slots[1]->slotId, false);
$key = ['bookId' => $bookId, 'esiaId' => '1000000000'];
$status = $say('status', $client->getBookingStatus($key));
if ($status->timeSlot[0]->slotId !== $slots[1]->slotId) {
    throw new Exception('another interval');
}
$say('cancel', $client->cancelBooking($key));
