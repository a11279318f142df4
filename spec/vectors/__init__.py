"""The accuracy vectors of `gbm_ref/vectors/`: what they are, and how their files are written.

    arithmetic  the three number systems in which one formula can be evaluated
    records     the record of a function: formula, second formula, scale, mistakes, arguments
    points      argument values: ordinary ones spread evenly, extreme ones by name
    building    one row from one set of arguments, with the checks that it has to pass
    files       the JSON lines, the manifest and the comparison with what is stored
    catalogue   all functions; the other modules hold them by subject

Formulas are written from the claims, with mpmath alone and without `gbm_ref`, which is one of the
implementations that the vectors judge. `python -m spec.vectors --write` makes the files anew.
"""
