"""From a NumPy array to a trained model: ask, answer, train, ask again.

Start a server (`alservice serve`), then run `python examples/quickstart.py [host:port]`. The data
are scikit-learn's handwritten digits, and the annotator is the file of true answers.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits

import alservice

ROUNDS = 5


def main(address: str) -> None:
    """Five rounds of twenty labels."""
    X, truth = load_digits(return_X_y=True)  # noqa: N806

    client = alservice.Client(address)
    project = client.create_project("quickstart", classes=range(10), exist_ok=True)
    project.add_items(X, on_conflict="skip")

    for _ in range(ROUNDS):
        batch = project.query(20)
        answers = truth[np.array(batch.ids, int)]  # here a person would look at the items
        project.submit_labels(batch.ids, answers, annotator="truth")
        model = project.train()
        print(f"{model.label_count} labels in {model.model_id}")
        for note in batch.notes:
            print(f"  note: {note}")

    for metric in model.metrics:
        interval = f"{metric.low:.3f} to {metric.high:.3f}"
        print(f"{metric.name:18} {metric.basis:12} {metric.value:.3f} ({interval})")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051")
