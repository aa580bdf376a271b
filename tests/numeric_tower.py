"""What checks annotations at run time: beartype, with a whole number good enough where a float is asked (PEP 484)."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
