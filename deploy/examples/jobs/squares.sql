-- The squares of the first :count numbers. Parameters are bound as values, never put into the text.
select id as n, id * id as square
from range(100000)
where id < :count
order by id
