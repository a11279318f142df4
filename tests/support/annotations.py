"""The run-time check of annotations (see pyproject.toml): beartype with the numeric tower, so that
an int passes for a float, under a name, as jaxtyping 0.3.11 cuts its option at the wrong comma."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
