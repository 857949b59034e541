"""Fisher information in its binary form, spelt out in float64."""

import numpy as np

from tests.strategies.modelled import Modelled


class Fisher:
    """Rows times the root of their weights, what is known, and what the pool needs."""

    def __init__(self, pool: Modelled, rows: list[int]) -> None:
        points = pool.points[rows].astype(np.float64)
        norm = np.sqrt((points**2).sum(axis=1).mean())
        self.rows = self._rows(pool, points) / norm
        self.pool = self.rows.T @ self.rows / len(rows)
        self.known = pool.penalty * np.eye(points.shape[1])
        if len(pool.anchors):
            held = self._rows(pool, pool.anchors.astype(np.float64)) / norm
            self.known += held.T @ held

    @staticmethod
    def _rows(pool: Modelled, points: np.ndarray) -> np.ndarray:
        logits = points @ pool.head.weights.T.astype(np.float64) + pool.head.bias
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        best = (p / p.sum(axis=1, keepdims=True)).max(axis=1)
        return np.asarray(points * np.sqrt(best * (1 - best))[:, None])

    def trace(self, chosen: list[int]) -> float:
        """tr(M^-1 F) with these rows known too."""
        x = self.rows[chosen]
        return float(np.trace(np.linalg.solve(self.known + x.T @ x, self.pool)))

    def log_det(self, chosen: list[int]) -> float:
        """ln det M with these rows known too."""
        x = self.rows[chosen]
        return float(np.linalg.slogdet(self.known + x.T @ x)[1])
