"""The run-time check of annotations that pytest installs on both packages (see pyproject.toml).

`checked` is beartype with the numeric tower, so that an int passes where a float is announced, as
in mypy. It has a name here because jaxtyping 0.3.11 cuts its option `--jaxtyping-packages` at the
wrong comma when two packages are followed by a type checker with arguments.
"""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
