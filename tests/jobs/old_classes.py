"""Jobs as they were written for the original, unmodified but for Python 2's syntax."""

# mypy: ignore-errors

from mist.mist_job import *


class SimpleContext(MistJob):
    def execute(self, numbers, multiplier=2):
        rdd = self.context.parallelize(numbers)
        result = rdd.map(lambda s: s * multiplier).collect()
        return {"result": result}


class People(MistJob, WithSQLSupport):
    def execute(self, ages):
        df = self.sql_context.createDataFrame([(age,) for age in ages], ["age"])
        df.createOrReplaceTempView("people")
        return self.session.sql("SELECT AVG(age) AS avg_age FROM people").toJSON().first()


class HiveTables(MistJob, WithSQLSupport, WithHiveSupport):
    def execute(self, name):
        self.hive_context.sql("CREATE TABLE IF NOT EXISTS %s AS SELECT 7 AS n" % name)
        return {"n": self.session.table(name).first().n}


class Publishing(MistJob, WithPublisher):
    def execute(self, text):
        self.publisher.publish(text)
        return {}
