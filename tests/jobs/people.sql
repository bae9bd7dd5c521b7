-- People older than :age would be here, were this no comment.
select name, age, cast(age as decimal(5, 1)) as exact, date '2026-01-02' as day, named_struct('n', null) as inner
from values ('Ann', 30), ('Bob', 40), ('Cy', 50) as people(name, age)
where age >= :least and name <> :not_this
order by age desc;
