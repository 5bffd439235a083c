from dateutil.relativedelta import relativedelta

SEASON = relativedelta(months=3)
