"""«Журнал работы сервисов»: what every process shares, and the front doors."""

__version__ = "0.1.0"
