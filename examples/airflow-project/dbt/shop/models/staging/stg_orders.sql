select
    order_id,
    lower(customer) as customer,
    date(day) as ordered_on,
    amount_cents / 100.0 as amount
from {{ source('warehouse', 'raw_orders') }}
