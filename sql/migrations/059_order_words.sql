-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The common texts of 202 and 303 in the order's words (Appendix 1): 202 tells the time that was booked, and when the visit really began
-- and how long it took where the agency has said so; 303 tells its reason behind the words that are fixed. And a latitude without a longitude
-- is no place on a map: half of one, which the portal was sent as it was, goes and is missed by admin.check().

update data.status set template = case code
    when '202' then 'Время посещения {organization} в соответствии с забронированным интервалом времени: {time}.[ Начало посещения: {began}.][ Длительность посещения: {duration} мин.][ Вас обслуживали специалисты: {specialists}]'
    else 'Заявление отменено[. {reason}]' end
where code in ('202', '303');
comment on column data.status.template is 'The text when the organization has none of its own: {organization}, {contacts}, {address}, {phone}, {date}, {time}, {area}, {service}, {queue}, {specialists}, {reason}, {began}, {duration} are filled in; a part in [ ] is left out when a placeholder in it is empty';

update data.organization set latitude = null, longitude = null where (latitude is null) <> (longitude is null);
alter table data.organization add constraint organization_coordinates_whole check ((latitude is null) = (longitude is null));
comment on constraint organization_coordinates_whole on data.organization is 'Latitude and longitude, or neither';
