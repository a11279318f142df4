"""Claims about the score in its several forms."""

from spec.scores import change_of_variables

CLAIMS = change_of_variables.CLAIMS
