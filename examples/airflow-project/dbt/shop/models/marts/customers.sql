select
    customer,
    min(ordered_on) as first_order,
    max(ordered_on) as last_order,
    sum(amount) as lifetime_value
from {{ ref('stg_orders') }}
group by customer
