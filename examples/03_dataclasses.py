"""Configurations as dataclasses: each field is a column, nested ones by their path."""

from dataclasses import dataclass, field

from xvc import Tracker


@dataclass(frozen=True)
class Optimizer:
    name: str = "adam"
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Config:
    layers: int
    optimizer: Optimizer = field(default_factory=Optimizer)


tracker = Tracker("dataclasses.duckdb")


@tracker.wrap()
def train(config: Config) -> dict[str, float]:
    return {"accuracy": 0.9 + config.layers / 100}


train(Config(layers=2))
train(Config(layers=5, optimizer=Optimizer("sgd", 0.1)))
columns = ["config_layers", "config_optimizer_name", "config_optimizer_learning_rate", "accuracy"]
print(tracker.to_df()[columns].to_string(index=False))
# >  config_layers config_optimizer_name  config_optimizer_learning_rate  accuracy
# >              2                  adam                           0.001      0.92
# >              5                   sgd                           0.100      0.95

tracker.log({"config": Config(layers=8), "accuracy": 0.97})  # the same without a function
print(tracker.latest["config_layers"], tracker.latest["config_optimizer_name"])
# > 8 adam
