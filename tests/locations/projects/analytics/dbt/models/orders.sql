select 1 as region, 10 as amount union all select 2, 20
