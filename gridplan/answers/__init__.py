"""What was found on the ground: answers to a field check, read, checked and applied to a place."""

from gridplan.answers.apply import Merged, apply_answers
from gridplan.answers.read import ANSWER_LAYER, Answer, check_answers, latest_answers
from gridplan.answers.words import KINDS, WORDS, check_id_of, words_table

__all__ = [
    "ANSWER_LAYER",
    "KINDS",
    "WORDS",
    "Answer",
    "Merged",
    "apply_answers",
    "check_answers",
    "check_id_of",
    "latest_answers",
    "words_table",
]
