"""The job classes of the original Mist: `class X(MistJob, WithSQLSupport): def execute(self, n, m=2): …`.

`setup` is called before `execute`, with an object that has `context`, `session`, `hive_session`, `sql_context`,
`hive_context` and `publisher`. Hive is started only for a job that asks for it.
"""

from abc import ABC, abstractmethod
from typing import Any

__all__ = ["ContextSupport", "MistJob", "WithHiveSupport", "WithPublisher", "WithSQLSupport"]


class ContextSupport(ABC):  # noqa: B024 (the original's base class, which has no abstract method either)
    """Has the Spark context."""

    context: Any = None

    def setup(self, context_wrapper: Any) -> None:
        self.context = context_wrapper.context


class MistJob(ContextSupport):
    """A job. Its arguments are the parameters of `execute`; what `execute` returns is its result."""

    @abstractmethod
    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work."""


class WithSQLSupport(ContextSupport):
    """Adds a Spark session, and the old SQL context over it. With Hive as well, both are over Hive."""

    session: Any = None
    sql_context: Any = None

    def setup(self, context_wrapper: Any) -> None:
        super().setup(context_wrapper)
        has_hive = isinstance(self, WithHiveSupport)
        self.session = context_wrapper.hive_session if has_hive else context_wrapper.session
        self.sql_context = context_wrapper.hive_context if has_hive else context_wrapper.sql_context


class WithHiveSupport(ContextSupport):
    """Adds a Spark session over Hive's catalogue, and the old Hive context over it."""

    session: Any = None
    hive_context: Any = None

    def setup(self, context_wrapper: Any) -> None:
        super().setup(context_wrapper)
        self.session = context_wrapper.hive_session
        self.hive_context = context_wrapper.hive_context


class WithPublisher(ContextSupport):
    """Adds `publisher.publish(text)`: the text becomes a line of the job's log."""

    publisher: Any = None

    def setup(self, context_wrapper: Any) -> None:
        super().setup(context_wrapper)
        self.publisher = context_wrapper.publisher
