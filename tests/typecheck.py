"""beartype as Python means annotations: an int is welcome where a float is asked for (PEP 484's numeric tower)."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
