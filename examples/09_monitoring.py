"""Watch the machine while a function runs, and log a service without any database."""

from xvc import Reader, Tracker


def work() -> int:
    return sum(number * number for number in range(1_000_000))


with Tracker("monitoring.duckdb", log_system_params=True, measurement_interval=0.01) as tracker:
    tracker.track(work)
    print(0 <= tracker.latest["memory_percent_peak"] <= 100)
    # > True

service = Tracker(Tracker.SKIP_INSERT, logs_path="service-logs")
for latency in (0.12, 0.10, 0.31):
    service.logger.monitor({"latency": latency, "endpoint": "/predict"})
print(Reader.read_logs("service-logs")["latency"].max())
# > 0.31
