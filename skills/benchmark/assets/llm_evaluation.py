"""Evaluate prompts on a language model: raw answers, token counts, cost; asked once each.

    xvc run --tag minor -- python llm_evaluation.py

`ask` is a local fake, so that this runs without a network or a key: put your client's call there.
Everything that decides an answer (model, prompt, temperature) is in `Config`, because the cache
tells calls apart by their arguments.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from xvc import Tracker

# In dollars for a million tokens; write down the day's prices, they are part of the result.
PRICES = {"fake-small": (0.15, 0.60), "fake-large": (2.50, 10.00)}
QUESTIONS = [
    {"id": 1, "kind": "sum", "question": "2 + 3", "truth": "5"},
    {"id": 2, "kind": "sum", "question": "10 + 7", "truth": "17"},
    {"id": 3, "kind": "capital", "question": "capital of France", "truth": "Paris"},
    {"id": 4, "kind": "capital", "question": "capital of Atlantis", "truth": "unknown"},
]


@dataclass(frozen=True)
class Config:
    """One configuration."""

    model: str
    prompt: str
    temperature: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What a client gives back: keep all of it."""

    text: str
    input_tokens: int
    output_tokens: int
    stop: str


class Overloaded(RuntimeError):
    """The service asked to wait."""


def ask(question: str, config: Config) -> Answer:
    """Answer from a table; replace this by your client's call."""
    if "Atlantis" in question and config.model == "fake-small":
        raise Overloaded("no capacity")
    known = {"2 + 3": "5", "10 + 7": "17", "capital of France": "Paris"}
    word = known.get(question, "unknown")
    text = word if "only" in config.prompt else f"The answer is {word}."
    asked = config.prompt.format(question=question)
    return Answer(text, len(asked.split()), len(text.split()), "end")


def patiently(question: str, config: Config, attempts: int = 3) -> tuple[Answer, int]:
    """Ask again after a short wait; the last failure goes on, and becomes a row."""
    for attempt in range(1, attempts):
        try:
            return ask(question, config), attempt
        except Overloaded:
            time.sleep(0.01 * 2**attempt)
    return ask(question, config), attempts


def evaluate(item: dict[str, object], config: Config) -> dict[str, object]:
    """Ask one question; returns one row."""
    began = time.perf_counter()
    answer, attempts = patiently(str(item["question"]), config)
    price_in, price_out = PRICES[config.model]
    return {
        "input_id": item["id"],
        "kind": item["kind"],
        "raw": answer.text,  # whole: what you parse out of it will change
        "prediction": answer.text.rstrip(".").split()[-1],
        "label": item["truth"],
        "stop": answer.stop,
        "attempts": attempts,
        "latency": time.perf_counter() - began,  # of the call that was made, cached or not
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "cost": (answer.input_tokens * price_in + answer.output_tokens * price_out) / 1e6,
    }


def main() -> None:
    """Ask every question with every configuration."""
    prompts = ("Answer: {question}", "Answer with one word only: {question}")
    configs = [Config(model, prompt) for model in PRICES for prompt in prompts]
    with (
        Tracker(table="predictions", cache=".cache/xvc", raise_on_error=False) as predictions,
        Tracker(table="metrics") as metrics,
    ):
        for config in configs:
            rows = [predictions.track(evaluate, [item, config]) for item in QUESTIONS]
            done = [row for row in rows if row is not None]
            right = sum(row["prediction"] == row["label"] for row in done)
            metrics.log(
                {
                    "model": config.model,
                    "prompt": config.prompt,
                    "items": len(rows),
                    "failed": len(rows) - len(done),
                    "accuracy": right / len(rows),  # a failure is no right answer
                    "input_tokens": sum(row["input_tokens"] for row in done),
                    "output_tokens": sum(row["output_tokens"] for row in done),
                    "cost": sum(row["cost"] for row in done),
                }
            )
            print(f"{config.model}, {config.prompt!r}: {right} of {len(rows)} right")


if __name__ == "__main__":
    main()
