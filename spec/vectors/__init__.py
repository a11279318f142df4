"""The accuracy vectors of `gbm_ref/vectors/`: what they are, and how their files are written.

    arithmetic  the three number systems in which one formula can be evaluated
    expressions formulas in plain characters: what is published is what is evaluated
    records     the record of a function: formula, second formula, scale, mistakes, arguments
    tables      functions from their tables: lines of formulas, mistakes and cases
    building    one row from one set of arguments, with the checks that it has to pass
    files       the JSON lines, the manifest and the comparison with what is stored
    catalogue   all functions; the other modules hold them by subject

`BY_NAME` of the catalogue gives a function by its name, for whoever names its rows. Formulas are
written from the claims, with mpmath alone and without `gbm_ref`, which is one of the
implementations that the vectors judge. `python -m spec.vectors --write` makes the files anew."""
