"""How well passages are found."""

from ally.rag.evaluate.evaluate import evaluate
from ally.rag.evaluate.evaluation import Evaluation, Options, Row

__all__ = ["Evaluation", "Options", "Row", "evaluate"]
