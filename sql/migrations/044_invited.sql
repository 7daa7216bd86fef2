-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An invited visit is changed like a booked one, by its applicant (Appendix 2, item 19, note 1) and by the agency; and a text of
-- its own for each state that shares its status with another: 201 is three of them, 303 two (S4).

insert into data.booking_arrow (event, old_state, new_state, actors, place, is_pushed) values
('rebook', 'INVITED', 'INVITED', 'A', 'swapped', false),
('move', 'INVITED', 'INVITED', 'G', 'swapped', true);

alter table data.organization_status
    drop constraint organization_status_form,
    add constraint organization_status_form check (code ~ '^[0-9]{3}[0-9]{0,6}$'
        or code in ('HELD', 'BOOKED', 'INVITED', 'CANCELLED', 'EXPIRED'));
comment on constraint organization_status_form on data.organization_status is 'Appendix 1, note 2, or a state that shares its status with another';
comment on column data.organization_status.code is 'Статус, можно со своими цифрами, или состояние: HELD, BOOKED, INVITED (все 201), CANCELLED, EXPIRED (оба 303)';
